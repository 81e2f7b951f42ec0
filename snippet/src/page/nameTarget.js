import { targets } from "../state.js";

/**
 * An element that `data-selector` names holds a number of the site's own, which stands for the
 * first target. @param {Element} element
 */
export const nameTarget = element => {
  const [target] = targets;
  const { n, w } = target.f;
  const digits = /** @type {string} */ (element.textContent).replace(/\D/g, "").slice(-n.length);
  if (digits[5] && !w.includes(digits)) {
    target.f.w = [digits, ...w];
    target.pattern_ = null;
  }
};
