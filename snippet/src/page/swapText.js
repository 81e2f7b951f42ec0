import { findNumbers } from "../numbers/findNumbers.js";
import { writeNumber } from "../numbers/writeNumber.js";
import { answers, forms, seen, waiting } from "../state.js";
import { option } from "../tag.js";

/**
 * The text with every target replaced whose number is known, one character an entry; null if
 * nothing changes. `again` is called when a number arrives that was missing.
 * @param {string} text @param {() => void} again
 */
export const swapText = (text, again) => {
  let characters = null;
  let missing = false;
  for (const occurrence of findNumbers(text, forms)) {
    const target = occurrence.target_;
    const answer = answers.get(target.t);
    seen.add(target);
    if (answer) {
      characters = characters || text.split("");
      writeNumber(characters, occurrence, answer, option("format") || target.as || "");
    } else if (answer === undefined) missing = true;
  }
  if (missing) waiting.push(again);
  return characters;
};
