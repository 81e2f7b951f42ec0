import { settings } from "../tag.js";

// Each test is linear in the length of its text: what a visitor writes can't make the page wait.

// An address, in the word that the digits end: https://…/800…, x.example/800…, …@800…, /contact/800…
const address = /:\/\/|\w\.[a-z]{2,}[/?#:]|@|^\/\w/i;

// Texts before the digits that make them part of something else: a code (AB-800…, #800…), an amount
// ($800…), other digits, the number of another country (+49 800…).
const forbiddenBefore =
  /(\w[-_]|[#=&%~]|[$\u20ac\xa3]\s?|\d[-.()]*|(^|\D)\d{1,3}\/|\+(\d[^\w,;|]*){0,5})$/;

// The same after the digits: 800…@example.com, 800….com, 800…A, 800…-A, 800…%, 800…/12. An
// extension or another number may follow.
const forbiddenAfter = RegExp(settings.x);

/**
 * Whether `number` is a phone number where it stands, between the texts `before` and `after`, and
 * not part of a longer run of digits, a code, a price, an address, or another country's number.
 * @param {string} before @param {string} number @param {string} after
 */
export const standsAlone = (before, number, after) => !(
  // A decimal number, thousands, or a list: 80.05550100, 8.005.550.100, 800, 555, 0100. Spelled out
  // for screen readers commas may group digits: 8 0 0, 5 5 5, 0 1 0 0.
  /^[1-9]\d*\.\d+$|^[1-9]\d?([.\s]\d{3})+$|,(\S|.*\d\d)|\d\d.*,/.test(number)
  || address.test(/** @type {any} */ (before.split(/[\s<>"',;|]/).pop()))
  || forbiddenBefore.test(before)
  || forbiddenAfter.test(after)

  // A label may stand without a blank (Tel800-555-0100, CALL800-555-0100); SKU800… is a code.
  || (/\w$/.test(before) && !/[a-z]{2}$|[A-Z]{4}$/.test(before))

  // A prefix that isn't the target's or, before a number without punctuation, more digits.
  || (/[^\d\s]/.test(number)
    ? /(^|[^\d\s./:-][\s(]{0,9})([078]|00\d*|011)[\s(]+$/.test(before)
    : /(^|[^\d\s./:-][\s(]{0,9})(\d\s*){1,4}$/.test(before)
      || /^,\d/.test(after))
);
