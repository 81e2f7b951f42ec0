import { separators } from "./separators.js";

/** Digit and letters of each key of a phone that has letters. */
const keys = ",,2abc,3def,4ghi,5jkl,6mno,7pqrs,8tuv,9wxyz".split(",");

/** @param {string} digits the first one may be a plus */
const spaced = digits => [...digits].map(digit => `[${keys[+digit] || digit}]`).join(separators);

/**
 * Matches every customary writing of a number. The first group is what stands before the national
 * digits, the second these digits, or letters in their place. @param {Plan} plan
 */
export const patternOf = ({ p, w }) => RegExp(
  "\\(?(" + p.map(prefix => prefix && spaced(prefix) + separators).join("|")
    + ")(" + w.map(spaced).join("|") + ")",
  "gi",
);
