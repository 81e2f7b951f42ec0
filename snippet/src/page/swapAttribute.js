import { findNumbers } from "../numbers/findNumbers.js";
import { safely } from "../safely.js";
import { answerFor, state } from "../state.js";
import { completeLink } from "./completeLink.js";
import { isSkipped, untouchable } from "./skipped.js";
import { swapText } from "./swapText.js";
import { isOurs, restore, write } from "./write.js";

/** Attributes that show a text or dial a number. */
export const attributes = "aria-label,title,alt,placeholder,value,href".split(",");

/** Swaps what an attribute shows or dials. @param {any} element @param {string} name */
export const swapAttribute = (element, name) => {
  const attribute = element.getAttributeNode(name);
  if (!attribute) return;
  if (state.restoring_) return restore(attribute);
  if (isOurs(attribute) || isSkipped(element, untouchable)) return;
  if (name == "href") {
    const { value } = attribute;
    const after = /^\s*(tel|callto):/i.test(value)
      ? dialLink(value, () => swapAttribute(element, name))
      : completeLink(element);
    if (after) write(attribute, after);
  } else if (name != "value" || /^input(bu|su|re)/.test(element.localName + element.type)) {
    swapText([attribute]);
  }
};

/**
 * `tel:` and the answer's number in E.164, however the target was written; the extension and pauses
 * after it stay. @param {string} href @param {() => void} retry
 */
const dialLink = (href, retry) => {
  const text = (safely(() => decodeURIComponent(href)) || href).replace(/^[^\d+(]*/, "");
  const found = findNumbers(text).find(({ start_ }) => !start_);
  const answer = found && answerFor(found.target_, retry);
  return answer && "tel:" + answer.number + text.slice(found.end_);
};
