import { safely } from "../safely.js";
import { targets } from "../state.js";
import { options } from "../tag.js";

const sheet = safely(() => {
  const made = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, made];
  return made;
});

/** Shows what `data-hide-until` has kept invisible. */
export const stopHiding = () => {
  options.hideUntil = 0;
  updateVisibility();
};

/** Matches no element where the tag lacks the option. @param {string} name @param {string} rule */
const rule = (name, rule) => options[name] + `{${rule}!important}`;

/**
 * Shows and hides what the tag's selectors name. A style sheet of our own does it: it holds for
 * elements that come later, changes none, and no policy forbids a sheet that a script constructs.
 */
export const updateVisibility = () => sheet && sheet.replaceSync(
  (targets.some(target => target.answer_)
    ? rule("hide", "display:none") + rule("invisible", "visibility:hidden")
    : rule("show", "display:none"))
  + rule("hideUntil", "visibility:hidden"),
);
