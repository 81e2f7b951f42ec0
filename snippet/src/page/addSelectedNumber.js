import { targets } from "../state.js";

/**
 * Adds the number in an element that `data-selector` names to the first target's, so that it is
 * swapped as that target's. @param {Element} element
 */
export const addSelectedNumber = element => {
  const [target] = targets;
  const { n, w } = target.f;
  const digits = /** @type {string} */ (element.textContent).replace(/\D/g, "").slice(-n.length);
  if (digits[5] && !w.includes(digits)) {
    target.f.w = [digits, ...w];
    target.f.r = target.f.r.replace(/.$/, "|" + [...digits].join("_") + ")");
    target.pattern_ = null;
  }
};
