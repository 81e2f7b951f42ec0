/**
 * Made-up numbers that can't be mistaken for a visitor's: all their digits are fives.
 * @param {Target[]} targets @returns {Answer[]}
 */
export const testAnswers = targets => targets.map(({ t, f: { c, n } }) => ({
  target: t,
  number: "+" + c + n.replace(/\d/g, "5"),
  cc: c,
  until: Infinity, // JSON makes it null, so the answer isn't shown on other pages
}));
