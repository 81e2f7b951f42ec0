import { asciiDigits } from "../numbers/asciiDigits.js";
import { spaced } from "../numbers/separators.js";
import { standsAlone } from "../numbers/standsAlone.js";

/** Elements whose text stays as it is, and why. */
const refused = Object.entries({
  "[data-rp-noswap]": "inside of data-rp-noswap",
  "script,style,noscript": "in a script or style",
  textarea: "in a text area",
});

/** Attributes that are looked at; the tag's data-attributes names more. */
const attributes =
  /^(aria-(description|label|placeholder|valuetext)|alt|formaction|(xlink:)?href|label|placeholder|title)$/;

/**
 * Where a target still stands as it was printed, and why it stays there: one line for each reason.
 * @param {Target} target
 */
export const placesLeft = target => {
  /** @type {Map<string, number>} */
  const places = new Map();
  const pattern = RegExp(spaced(target.f.r), "gi");
  note(document, (/** @type {string} */ text, /** @type {() => string} */ where) => {
    const ascii = asciiDigits(text);
    pattern.lastIndex = 0;
    for (let match; (match = pattern.exec(ascii)); ) {
      const { index, 0: found } = match;
      const end = index + found.length;
      const context = ascii.slice(Math.max(0, index - 9), end + 9).replace(/\s+/g, " ");
      const why = standsAlone(ascii.slice(0, index).slice(-99), found, ascii.slice(end, end + 99))
        ? where()
        : `beside other characters: ${context}`;
      places.set(why, (places.get(why) || 0) + 1);
    }
  });
  return [...places].map(([why, count]) => `stays ${why}` + (count > 1 ? ` (${count} times)` : ""));
};

/** @param {any} root @param {Function} look */
const note = (root, look) => {
  const walker = document.createTreeWalker(root, 5);
  for (let node = /** @type {any} */ (walker.currentNode); node; node = walker.nextNode()) {
    if (node.nodeType == 3) look(node.data, () => whereText(node.parentElement));
    if (node.shadowRoot) note(node.shadowRoot, look);
    for (const { name, value } of node.attributes || []) {
      look(value, () => whereAttribute(node, name));
    }
  }
};

/** @param {any} element */
const whereText = element => {
  for (const [selector, why] of refused) if (element && element.closest(selector)) return why;
  const editor = element && element.closest("[contenteditable]");
  return /^[tp]/.test(editor && editor.contentEditable) ? "where visitors write" : stillThere;
};

const stillThere = "in the page's text: it was just written there, or a script keeps writing it";

/** @param {any} element @param {string} name */
const whereAttribute = (element, name) => {
  if (element.closest("[data-rp-noswap]")) return refused[0][1];
  if (!attributes.test(name)) {
    return `in the attribute ${name} of <${element.localName}>: data-attributes can name it`;
  }
  return /href/.test(name)
    ? `in a link that doesn't dial: ${element.getAttribute(name).slice(0, 40)}`
    : `in the attribute ${name}: it was just written there, or a script keeps writing it`;
};
