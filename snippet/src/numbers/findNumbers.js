import { separators } from "./separators.js";
import { standsAlone } from "./standsAlone.js";

const longRun = RegExp(`\\d(?:[${separators}]*\\d){5,}`, "g");
const lettered = /\d[\d\s().-]*[a-z][a-z\d\s.-]*/gi;
const reach = 40;

/** The digit on whose key a letter stands. @param {string} letter */
const keypad = letter =>
  "22233344455566677778889999"[(letter.charCodeAt(0) | 32) - 97] || "";

/**
 * The targets' occurrences in a text, left to right. Text without six digits, or digits before a
 * letter, costs one regular expression.
 * @param {string} text @param {Map<string, Form>} forms
 */
export const findNumbers = (text, forms) => {
  /** @type {Occurrence[]} */
  const found = [];

  /**
   * @param {string} digits @param {number[]} places @param {boolean} vanity_
   * @returns {boolean | undefined}
   */
  const take = (digits, places, vanity_) => {
    let start_ = places[0];
    const plus = /[+\uff0b][\s(]*$/.exec(text.slice(Math.max(0, start_ - 3), start_))?.[0];
    const form = forms.get((plus ? "+" : "") + digits);
    if (!form) return;
    let end_ = places[places.length - 1] + 1;
    if (vanity_) while (/[a-z]/i.test(text[end_] || "")) end_++;
    start_ -= plus?.length || 0;
    if (/^[^(]*\)/.test(text.slice(start_, end_)) && text[start_ - 1] == "(") start_--;
    const text_ = text.slice(start_, end_);
    if (!standsAlone(
      text.slice(Math.max(0, start_ - reach), start_), text_, text.slice(end_, end_ + reach),
    )) return;
    found.push({ ...form, start_, end_, text_, digits_: places, vanity_ });
    return true;
  };

  for (const match of all(longRun, text)) {
    /** @type {number[]} */
    const places = [];
    let digits = "";
    for (let i = match.index; i < match.index + match[0].length; i++) {
      if (/\d/.test(text[i])) {
        places.push(i);
        digits += text[i];
      }
    }
    for (let a = 0; a < places.length; a++) {
      if (a && places[a - 1] == places[a] - 1) continue; // inside a group
      for (let b = Math.min(places.length, a + 20); b > a + 5; b--) {
        if (places[b] != places[b - 1] + 1 && take(digits.slice(a, b), places.slice(a, b), false)) {
          a = b - 1;
          break;
        }
      }
    }
  }
  for (const match of all(lettered, text)) {
    /** @type {number[]} */
    const places = [];
    let digits = "";
    for (let i = match.index; i < match.index + match[0].length && places.length < 18; i++) {
      const digit = /\d/.test(text[i]) ? text[i] : keypad(text[i]);
      if (digit) {
        places.push(i);
        digits += digit;
        if (places.length > 6 && take(digits, places, true)) break;
      }
    }
  }
  return found;
};

/** @param {RegExp} pattern @param {string} text */
function* all(pattern, text) {
  pattern.lastIndex = 0;
  for (let match; (match = pattern.exec(text)); ) yield match;
}
