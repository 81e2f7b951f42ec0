/**
 * Numbers that can't be mistaken for a visitor's, and that nobody had to give: fives throughout.
 * @param {Target[]} targets @returns {Answer[]}
 */
export const testAnswers = targets => targets.map(({ t, f: { c, n } }) => ({
  target: t,
  number: "+" + c + n.replace(/\d/g, "5"),
  cc: c,
  until: Infinity, // null when stored: no other page shows it
}));
