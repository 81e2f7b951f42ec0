import { findNumbers } from "../numbers/findNumbers.js";
import { safely } from "../safely.js";
import { answerFor, state } from "../state.js";
import { completeLink } from "./completeLink.js";
import { isSkipped, untouchable } from "./skipped.js";
import { swapFlow } from "./swapFlow.js";
import { isOurs, restore, write } from "./write.js";

/** Attributes that people read, or call. */
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
      ? dialled(value, () => swapAttribute(element, name))
      : completeLink(element);
    if (after) write(attribute, after);
  } else if (name != "value" || /^input(bu|su|re)/.test(element.localName + element.type)) swapFlow([attribute]);
};

/**
 * `tel:` and the number in E.164, whatever stood there; extension and pauses after it stay.
 * @param {string} href @param {() => void} again
 */
const dialled = (href, again) => {
  const text = (safely(() => decodeURIComponent(href)) || href).replace(/^[^\d+(]*/, "");
  const found = findNumbers(text).find(({ start_ }) => !start_);
  const answer = found && answerFor(found.target_, again);
  return answer && "tel:" + answer.number + text.slice(found.end_);
};
