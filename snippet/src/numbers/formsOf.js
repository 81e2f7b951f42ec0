/**
 * Every customary writing of the targets, separators apart: `+18005550100`, `18005550100`, …
 * An occurrence is then one look-up, however many targets there are.
 * @param {Target[]} targets
 */
export const formsOf = targets => {
  /** @type {Map<string, Form>} */
  const forms = new Map();
  for (const target_ of targets) {
    const { c, n, p, w = [] } = target_.f;
    for (const prefix of p) {
      forms.set(prefix + n, {
        target_,
        skip_: prefix.replace("+", "").length,
        abroad_: prefix != "1" && prefix.includes(c),
      });
    }
    for (const writing of w) forms.set(writing, { target_, skip_: -1, abroad_: false });
  }
  return forms;
};
