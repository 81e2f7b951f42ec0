import { targets } from "../state.js";
import { patternOf } from "./patternOf.js";
import { separators } from "./separators.js";
import { standsAlone } from "./standsAlone.js";

const lettered = /\d{3}(\W{0,2}[A-Z]|-[a-z])/;
const likely = RegExp(`\\d([${separators}]*\\d){5}|` + lettered.source);

/** A text that holds a number, or, with the text beside it, may. */
export const joinable = RegExp(`${likely.source}|^[${separators}]*\\d|\\d[${separators}]*$`);

/**
 * The targets' occurrences in a text. A text without six digits in a row, or three before letters,
 * costs one regular expression, one without a target's digits a comparison a target.
 * @param {string} text
 */
export const findNumbers = text => {
  /** @type {Occurrence[]} */
  const found = [];
  if (likely.test(text)) {
    const vanity = lettered.test(text);
    const digits = text.replace(/\D/g, "");
    for (const target_ of targets) {
      const { n, w } = target_.f;
      if (!w && !digits.includes(vanity ? n.slice(0, 3) : n)) continue;
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
  }
  return found;
};
