/**
 * Puts an answer's number where an occurrence stands, as it was written there. `characters` is the
 * text, one UTF-16 unit an entry: digits change in place, so that a number which is spread over
 * several text nodes stays spread; only a writing of another shape goes whole to its beginning.
 * @param {string[]} characters @param {Occurrence} occurrence @param {Answer} answer
 * @param {string} format
 */
export const writeNumber = (characters, occurrence, answer, format) => {
  const { skip_, abroad_, text_, start_, end_, digits_, vanity_ } = occurrence;
  const { c, n } = occurrence.target_.f;
  const number = answer.number.split(";")[0];
  const cc = answer.cc || (number.startsWith("+" + c) ? c : "");
  const digits = number.slice(1 + cc.length);
  const { national = answer.display || number, international = number } = answer;
  const usual = abroad_ ? international : national;
  const alike = skip_ >= 0 && cc == c;

  let whole = { national, international, e164: number }[format];
  if (!whole && !vanity_ && alike && digits.length == n.length) {
    for (let i = 0; i < n.length; i++) characters[digits_[skip_ + i]] = digits[i];
    return;
  }
  if (!whole) {
    const atHome = national.replace(/\D/g, "");
    if (/^[+\uff0b]?\d+$/.test(text_)) {
      whole = !abroad_ ? atHome : alike ? text_.slice(0, -n.length) + digits : number;
    } else if (vanity_ && alike && atHome == digits) {
      const separator = /[-.\s]/.exec(text_);
      whole = text_.slice(0, digits_[skip_] - start_).replace("(", "") + (text_.includes("(")
        ? national
        : national.split(/\D+/).filter(Boolean).join(separator ? separator[0] : ""));
    } else whole = usual;
  }
  characters.fill("", start_, end_);
  characters[start_] = whole;
};
