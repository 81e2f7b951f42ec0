import { targets } from "../state.js";
import { options } from "../tag.js";
import { patternOf } from "./patternOf.js";
import { separators } from "./separators.js";
import { standsAlone } from "./standsAlone.js";

const lettered = /\d{3}(\W{0,2}[A-Z]|-[a-z])/;

/** What stands at a place of the targets' national digits. @param {number} place */
const digitsAt = place => `[${options.selector ? "\\d" : targets.map(
  ({ f }) => f.w.map(digits => digits[place]),
)}]`;

/** A text without the targets' first digits, or three before letters, holds none of them. */
export const likely = RegExp(
  [0, 1, 2, 3].map(digitsAt).join(separators) + "|" + lettered.source,
);

/** A text that, with the text beside it, may hold a number. */
export const joinable = RegExp(`^${separators}\\d|\\d${separators}$`);

/**
 * The targets' occurrences in a text. One without a target's digits costs a comparison a target.
 * @param {string} text
 */
export const findNumbers = text => {
  /** @type {Occurrence[]} */
  const found = [];
  const vanity = lettered.test(text);
  const digits = text.replace(/\D/g, "");
  for (const target_ of targets) {
    if (!target_.f.w.some(n => digits.includes(vanity ? n.slice(0, 3) : n))) continue;
    target_.pattern_ = target_.pattern_ || patternOf(target_.f);
    for (let match; (match = target_.pattern_.exec(text)); ) {
      let [text_, prefix_, national_] = match;
      let start_ = match.index;
      if (text_[0] == "(" && !text_.includes(")")) { // a bracket around the whole
        text_ = text_.slice(1);
        start_++;
      }
      const end_ = start_ + text_.length;
      if (standsAlone(text.slice(0, start_), text_, text.slice(end_))) {
        found.push({ target_, text_, prefix_, national_, start_, end_ });
      } else target_.pattern_.lastIndex = match.index + 1; // what seems a prefix may be none
    }
  }
  return found;
};
