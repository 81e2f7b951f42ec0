// Writes an answer's number as the page script would write it in place of a printed one.

/** @typedef {import("./index.js").Answer} Answer */

/**
 * The text to show for a printed number. `format` as in the pool's settings; without it, the pool's.
 * @param {Answer | null | undefined} answer @param {string} target E.164
 * @param {string} [printed] @param {import("./index.js").Format} [format]
 */
export const writtenNumber = (answer, target, printed = target, format) => {
  if (!answer) return printed;
  const e164 = answer.number.split(";")[0];
  const { national = e164, international = e164 } = answer;
  switch (format || poolFormat(answer)) {
    case "e164": return e164;
    case "national": return national;
    case "international": return international;
  }
  return digitByDigit(printed, target, e164)
    || (/^\s*(\+|00)/.test(printed) ? international : national);
};

/** The pool's format, as far as the answer tells it. @param {Answer} answer */
const poolFormat = ({ display, number, national, international }) =>
  display == null || display == national ? "as_found"
    : display == number ? "e164"
      : display == international ? "international" : "as_found";

/**
 * `printed` with the digits that it shares with the end of `target` replaced; undefined where the
 * numbers differ in more than these, or in length. @param {string} printed @param {string} target
 * @param {string} number
 */
const digitByDigit = (printed, target, number) => {
  const digits = printed.replace(/\D/g, "");
  let shared = 0;
  while (shared < digits.length && digits.at(-1 - shared) == target.at(-1 - shared)) shared++;
  // Letters (1-800-FLOWERS) and a number other than the target share next to nothing with it.
  if (shared < 4 || /[a-z]/i.test(printed)) return;
  if (number.length != target.length || number.slice(0, -shared) != target.slice(0, -shared)) {
    return;
  }
  const others = digits.length - shared;
  let seen = 0;
  return printed.replace(/\d/g, digit => {
    const at = seen++ - others;
    return at < 0 ? digit : number[number.length - shared + at];
  });
};
