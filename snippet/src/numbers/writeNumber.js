
/**
 * Puts an answer's number where an occurrence stands, as it was written there. `characters` is the
 * text, one UTF-16 unit an entry: digits change in place, so that a number which is spread over
 * several text nodes stays spread; only a writing of another shape goes whole to its beginning.
 * @param {string[]} characters @param {Occurrence} occurrence @param {Answer} answer
 * @param {string} [format]
 */
export const writeNumber = (characters, occurrence, answer, format = "") => {
  const { prefix_, national_, start_, end_, text_ } = occurrence;
  const { c } = occurrence.target_.f;
  const e164 = answer.number.split(";")[0];
  const { cc = e164.startsWith("+" + c) ? c : "", national = e164, international = e164 } = answer;
  const digits = e164.slice(1 + cc.length);
  const alike = cc == c;
  const lettered = /[a-z]/i.test(national_);

  let whole = { national, international, e164 }[format];
  if (!whole) {
    if (alike && !lettered && digits.length == national_.replace(/\D/g, "").length) {
      for (let i = 0, at = end_ - national_.length; at < end_; at++) {
        if (/\d/.test(characters[at])) characters[at] = digits[i++];
      }
      return;
    }
    whole = /\+|00|[1-9]\D*\d/.test(prefix_) ? international : national; // by its country code
    if (/^\+?\d+$/.test(text_)) {
      whole = whole.replace(/[^+\d]/g, "");
    } else if (lettered && alike && national.replace(/\D/g, "") == digits) {
      // 1-800-FLOWERS becomes 1-888-869-5777
      whole = prefix_.replace("(", "") + (/\(/.test(text_)
        ? national
        : /** @type {string[]} */ (national.match(/\d+/g)).join(/** @type {any} */ (/[-.\s]/.exec(text_) || "")));
    }
  }
  characters.fill("", start_, end_);
  characters[start_] = whole;
};
