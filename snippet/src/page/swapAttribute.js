import { findNumbers } from "../numbers/findNumbers.js";
import { safely } from "../safely.js";
import { answerFor, state } from "../state.js";
import { options } from "../tag.js";
import { completeLink } from "./completeLink.js";
import { isSkipped, untouchable } from "./skipped.js";
import { swapText } from "./swapText.js";
import { isOurs, restore, write } from "./write.js";

/** Attributes that show a text or dial a number (bundle.py names them), and those of the tag. */
export const attributes = /** @type {string[]} */ (
  (options.spoken + options.attributes).match(/[^,\s]+/g)
);

/** Swaps what an attribute shows or dials. @param {any} element @param {string} name */
export const swapAttribute = (element, name) => {
  const attribute = element.getAttributeNode(name) || element.getAttributeNode("xlink:" + name);
  if (state.restoring_) return restore(attribute);
  if (!attribute || isOurs(attribute) || isSkipped(element, untouchable)) return;
  if (/^href|^form/.test(name)) {
    const after = dialLink(attribute, () => swapAttribute(element, name))
      || completeLink(element);
    if (after) write(attribute, after);
  } else if (name != "value" || /^input(bu|su|re)/.test(element.localName + element.type)) {
    swapText([attribute]);
  }
};

/**
 * The address of a link that dials, with the answer's number in E.164, however the target was
 * written; the extension and pauses after it stay. Undefined or falsy for all other links.
 * @param {Attr} attribute @param {() => void} retry
 */
const dialLink = (attribute, retry) => {
  const [, scheme, text = ""] = /^\s*((?:tel|callto|skype|facetime[-a-z]*):)[\s/]*(.*)/is.exec(
    safely(() => decodeURIComponent(attribute.value)) || attribute.value,
  ) || [];
  const found = findNumbers(text).find(({ start_ }) => !start_);
  const answer = found && answerFor(found.target_, retry, attribute);
  return answer && scheme.toLowerCase() + answer.number + text.slice(found.end_);
};
