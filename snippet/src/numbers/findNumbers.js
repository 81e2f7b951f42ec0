import { targets } from "../state.js";
import { options } from "../tag.js";
import { patternOf } from "./patternOf.js";
import { separators } from "./separators.js";
import { standsAlone } from "./standsAlone.js";

const vanityNumber = /\d{3}(\W{0,2}[A-Z]|-[a-z])/;

/** Matches the targets' national digits at one place. @param {number} place */
const digitsAt = place => `[${options.selector ? "\\d" : targets.map(
  ({ f }) => f.w.map(digits => digits[place]),
)}]`;

/** Matches all texts with a target: its first four digits stand there, or three before letters. */
export const mayHoldNumber = RegExp(
  [0, 1, 2, 3].map(digitsAt).join(separators) + "|" + vanityNumber.source,
);

/** Matches texts that, together with the text beside them, may hold a number. */
export const mayBePartOfNumber = RegExp(`^${separators}\\d|\\d${separators}$`);

/**
 * The targets' occurrences in a text that `asciiDigits` has made. A target whose digits it lacks
 * costs one comparison; what stands beside a number is read 99 characters far.
 * @param {string} text
 */
export const findNumbers = text => {
  /** @type {Occurrence[]} */
  const found = [];
  const vanity = vanityNumber.test(text);
  const digits = text.replace(/\D+/g, "");
  for (const target_ of targets) {
    if (!target_.f.w.some(n => digits.includes(vanity ? n.slice(0, 3) : n))) continue;
    target_.pattern_ = target_.pattern_ || patternOf(target_.f);
    for (let match; (match = target_.pattern_.exec(text)); ) {
      let [text_, prefix_, national_] = match;
      let start_ = match.index;
      if (text_[0] == "(" && !text_.includes(")")) { // the bracket encloses more than the number
        text_ = text_.slice(1);
        start_++;
      }
      const end_ = start_ + text_.length;
      if (standsAlone(
        text.slice(0, start_).slice(-99), text_, text.slice(end_, end_ + 99),
      )) {
        found.push({ target_, text_, prefix_, national_, start_, end_ });
      } else {
        // What looked like a prefix may be other digits, with the number after them.
        target_.pattern_.lastIndex = match.index + 1;
      }
    }
  }
  return found;
};
