import { findNumbers } from "../numbers/findNumbers.js";
import { answers, forms, seen, waiting } from "../state.js";
import { untouchable } from "./skipped.js";
import { swapText } from "./swapText.js";
import { write } from "./write.js";

/** Attributes that people read, or call. */
export const attributes = ["aria-label", "title", "alt", "placeholder", "value", "href", "xlink:href"];

/** Elements that may hold one. */
export const holders =
  '[aria-label],[title],[alt],[placeholder],input[value],[href^="tel:" i],[href^="callto:" i]';

/** Swaps what an attribute shows or dials. @param {Element} element @param {string} name */
export const swapAttribute = (element, name) => {
  const value = element.getAttribute(name);
  if (!value || !/\d/.test(value) || element.closest(untouchable)) return;
  const again = () => swapAttribute(element, name);
  if (/href/.test(name)) {
    const after = dialled(value, again);
    if (after) write(element, value, after, name);
  } else if (name != "value"
    || /^(button|submit|reset)$/.test(/** @type {HTMLInputElement} */ (element).type)) {
    const characters = swapText(value, again);
    if (characters) write(element, value, characters.join(""), name);
  }
};

/**
 * `tel:` and the number in E.164, whatever stood there; extension and pauses after it stay.
 * @param {string} href @param {() => void} again
 */
const dialled = (href, again) => {
  const parts = /^(?:tel|callto):(?:\/\/)?(.*)/i.exec(decode(href));
  if (!parts) return;
  const [found] = findNumbers(parts[1], forms);
  if (!found || found.start_) return;
  const answer = answers.get(found.target_.t);
  seen.add(found.target_);
  if (answer) return "tel:" + answer.number + parts[1].slice(found.end_);
  if (answer === undefined) waiting.push(again);
};

/** @param {string} href */
const decode = href => {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
};
