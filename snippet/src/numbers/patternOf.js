import { separators } from "./separators.js";

/** What stands on the keys of a phone that have letters. */
const keys = ",,2abc,3def,4ghi,5jkl,6mno,7pqrs,8tuv,9wxyz".split(",");

/** @param {string} digits the first one may be a plus */
const spread = digits => [...digits].map(digit => `[${keys[+digit] || digit}]`).join(separators);

/**
 * Every customary writing of a number: captures what stands before its national digits, and these,
 * which may be letters. @param {Plan} plan
 */
export const patternOf = ({ p, w }) => RegExp(
  "\\(?(" + p.map(prefix => prefix && spread(prefix) + separators).join("|")
    + ")(" + w.map(spread).join("|") + ")",
  "gi",
);
