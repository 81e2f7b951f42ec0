/**
 * Writes an answer's number in place of an occurrence, in the same form. `characters` is the text,
 * one UTF-16 unit per entry. Digits change one for one, so that a number spread over several text
 * nodes stays spread; a number of another form goes as a whole where the occurrence begins.
 * @param {string[]} characters @param {Occurrence} occurrence @param {Answer} answer
 * @param {string} [format]
 */
export const writeNumber = (characters, {
  prefix_, national_, start_, end_, text_, target_: { f: { c } },
}, answer, format) => {
  const e164 = answer.number.split(";")[0];
  const { cc = e164.startsWith("+" + c) ? c : "", national = e164, international = e164 } = answer;
  const digits = e164.slice(1 + cc.length);

  let whole = /** @type {any} */ ({ national, international, e164 })[/** @type {any} */ (format)];
  if (!whole) {
    if (cc == c && digits.length == national_.replace(/\D/g, "").length) {
      for (let i = 0, at = end_ - national_.length; at < end_; at++) {
        // Full-width digits stay full-width: the last four bits of a digit are its value.
        if (/\d/.test(text_[at - start_])) {
          characters[at] = String.fromCharCode(
            (characters[at].charCodeAt(0) & -16) | /** @type {any} */ (digits[i++]),
          );
        }
      }
      return;
    }
    const hasCountryCode = /\+|00|[1-9]\D*\d/.test(prefix_);
    whole = hasCountryCode ? international : national;
    if (!/[^+\d]/.test(text_)) {
      whole = whole.replace(/[^+\d]/g, "");
    } else if (/[a-z]/i.test(national_) && cc == c && national.replace(/\D/g, "") == digits) {
      // 1-800-FLOWERS becomes 1-888-869-5777
      whole = prefix_.replace("(", "") + (/\(/.test(text_) ? national
        : /** @type {any} */ (national.match(/\d+/g)).join(/[-.\s]/.exec(text_) || ""));
    }
  }
  characters.fill("", start_, end_);
  characters[start_] = whole;
};
