import { safely } from "../safely.js";
import { targets } from "../state.js";
import { options } from "../tag.js";

const sheet = safely(() => {
  const made = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, made];
  return made;
});

let holding = true;

/** Ends the wait of what `data-hide-until` holds back. */
export const reveal = () => {
  holding = false;
  look();
};

/** Without the option, a rule for no element. @param {string} name @param {string} rule */
const rule = (name, rule) => options[name] + `{${rule}!important}`;

/**
 * Shows and hides what the tag's selectors name, by a style sheet of our own: it holds for elements
 * that come later, touches none, and no policy forbids one that a script has made.
 */
export const look = () => sheet && sheet.replaceSync(
  (targets.some(target => target.answer_)
    ? rule("hide", "display:none") + rule("invisible", "visibility:hidden")
    : rule("show", "display:none"))
  + (holding ? rule("hideUntil", "visibility:hidden") : ""),
);
