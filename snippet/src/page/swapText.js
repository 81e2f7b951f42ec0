import { asciiDigits } from "../numbers/asciiDigits.js";
import { findNumbers, mayHoldNumber } from "../numbers/findNumbers.js";
import { writeNumber } from "../numbers/writeNumber.js";
import { answerFor, state } from "../state.js";
import { options } from "../tag.js";
import { isPhone, linkNumber } from "./linkNumber.js";
import { isSkipped } from "./skipped.js";
import { write } from "./write.js";

/**
 * Swaps the numbers in a line of text, or in an attribute: each digit changes in the node that it
 * stands in. @param {any[]} nodes the line's text nodes, or one attribute
 */
export const swapText = nodes => {
  const [first] = nodes;
  const written = nodes.map(node => node.nodeValue).join("");
  const text = asciiDigits(written);
  if (state.restoring_ || !mayHoldNumber.test(text) || isSkipped(first.parentNode)) return;
  const { parentElement } = first;
  const characters = written.split("");
  // A line break is a blank, except in preformatted text.
  for (const occurrence of findNumbers(
    parentElement && parentElement.closest("pre") ? text.replace(/\n/g, "\0") : text,
  )) {
    const { target_ } = occurrence;
    const answer = answerFor(target_, () => swapText(nodes), first);
    if (answer) {
      // A new link is a change of the page, so the observer comes back here for the rest.
      if (
        isPhone && (target_.call || options.clickToCall != null)
        && linkNumber(first, occurrence)
      ) return;
      writeNumber(characters, occurrence, answer, options.format || target_.as);
    }
  }
  let at = 0;
  for (const node of nodes) {
    write(node, characters.slice(at, (at += node.nodeValue.length)).join(""));
  }
};
