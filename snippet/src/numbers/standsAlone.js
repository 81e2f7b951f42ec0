import { separators } from "./separators.js";

const leftRun = RegExp(`[+\uff0b\\d][${separators}\\d]*$`);
const rightRun = RegExp(`^[${separators},]*\\d[${separators}\\d]*`);

/** @param {string} text */
const count = text => text.replace(/\D/g, "").length;

/**
 * Whether what stands around `own` leaves it a phone number of its own, and no part of a longer
 * run of digits, a code, a price, an address of the web, or another country's number.
 * @param {string} before @param {string} own @param {string} after
 */
export const standsAlone = (before, own, after) => {
  const bare = /^\d+$/.test(own);
  const blanks = !/[^\d\s]/.test(own);

  // A decimal number, or thousands: 80.05550100, 8.005.550.100
  if (/^[1-9]\d*\.\d+$|^[1-9]\d?(([.\s])\d{3})(\2\d{3})+$/.test(own)) return false;

  // Web and mail addresses: what is glued to the number, up to the next blank or quote.
  const left = /[^\s<>"',;|]*$/.exec(before)?.[0] || "";
  if (/:\/\/|www\.|[a-z\d]\.[a-z]{2,}[/?#:]|@|^\/\w/i.test(left)) return false;
  if (/^(?:[-\w.]*@|[-\w]*\.[a-z]{2})/.test(after)) return false;

  // Codes, amounts and units: AB-800…, #800…, $800…, 800…-A, 800…%
  // A label may be glued on, in lower case or as a word: Tel.800-555-0100, CALL800-555-0100
  if (/[\w][-_]$|[\w#=&%~\\]$|[$\u20ac\xa3\xa5\u2116]\s?$/.test(before) &&
    !(bare ? /[a-z]{2}$/ : /[a-z]{2}$|[A-Z]{3}$/).test(before)) return false;
  if (/^(?![xpw]\.?\s?\d)[A-Z_](?![a-z])|^[-=\\]\w|^\s?[%\xb0$\u20ac\xa3\xa5]/i.test(after)) return false;

  // Digits on the left, and what joins them to the number.
  let run = leftRun.exec(before)?.[0];
  if (run) {
    const near = count(run);
    const gap = /\D*$/.exec(run)?.[0] || "";
    const last = /\d*(?=\D*$)/.exec(run)?.[0] || "";
    if (/^[+\uff0b]/.test(run) && near + count(own) < 16) return false;
    if (/^\S*$/.test(gap) && (near < 7 || gap != "/")) return false;
    if (/^[\s(]*$/.test(gap) && near < 7 && (near == last.length
      ? /^(?:[078]|00\d*|011)$/.test(last) || (blanks && near < 5)
      : blanks && !/[^\d\s]/.test(run))) return false;
  }

  // Digits on the right: direct dialling, decimals, a longer number.
  run = rightRun.exec(after)?.[0];
  if (run) {
    const near = count(run);
    const gap = /^\D*/.exec(run)?.[0] || "";
    if (gap[0] == "," ? gap == "," && near < 7 && !/[^\d.]/.test(own)
      : /^[^\s(]*$/.test(gap) && (near < 7 || !/[/\u2012-\u2015]/.test(gap))) return false;
    if (/^\s*$/.test(gap) && blanks && near < 5 &&
      !/^\s*\d+\s*[a-z:/%-]/i.test(after)) return false;
  }
  return true;
};
