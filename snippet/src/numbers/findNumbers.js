import { targets } from "../state.js";
import { options, settings } from "../tag.js";
import { spaced } from "./separators.js";
import { standsAlone } from "./standsAlone.js";

const vanityNumber = RegExp(settings.m);

/** Matches all texts with a target: its first four digits stand there, or three before letters. */
export const mayHoldNumber = RegExp(
  spaced(options.selector ? "\\d_\\d_\\d_\\d" : settings.h) + "|" + settings.m,
);

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
    target_.pattern_ = target_.pattern_ || RegExp(spaced(target_.f.r), "gi");
    for (let match; (match = target_.pattern_.exec(text)); ) {
      let [text_, prefix_, national_] = match;
      let start_ = match.index;
      if (/^\([^)]*$/.test(text_)) { // the bracket encloses more than the number
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
