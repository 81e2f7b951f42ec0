import { targets } from "../state.js";
import { keys, patternOf } from "./patternOf.js";
import { separators } from "./separators.js";
import { standsAlone } from "./standsAlone.js";

/** Six digits in a row, or three before letters. */
const likely = RegExp(`\\d([${separators}]*\\d){5}|\\d{3}(\\W?[A-Z]|\\W{1,2}[A-Z]|-[a-z])`);

/** @param {string} letter */
const keyOf = letter => keys.findIndex(key => key.includes(letter.toLowerCase())) + "";

/**
 * The targets' occurrences in a text. A text without a likely number costs one regular expression,
 * one without a target's digits a few comparisons.
 * @param {string} text
 */
export const findNumbers = text => {
  /** @type {Occurrence[]} */
  const found = [];
  if (likely.test(text)) {
    const digits = text.replace(/[a-z]/gi, keyOf).replace(/\D/g, "");
    for (const target_ of targets) {
      const { n, w } = target_.f;
      if (!w && !digits.includes(n)) continue;
      target_.pattern_ = target_.pattern_ || patternOf(target_.f);
      text.replace(target_.pattern_, (text_, prefix_, national_, start_) => {
        // A bracket may be around the whole; of a vanity number, letters may be left over.
        if (text_[0] == "(" && !text_.includes(")")) text_ = text_.slice(1), start_++;
        let end_ = start_ + text_.length;
        if (/[a-z]$/i.test(text_)) while (/[a-z]/i.test(text[end_] || "")) end_++;
        if (standsAlone(text.slice(0, start_).slice(-40), text_, text.slice(end_).slice(0, 40))) {
          found.push({ target_, text_, prefix_, national_, start_, end_ });
        }
        return "";
      });
    }
  }
  return found;
};
