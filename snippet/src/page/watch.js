import { askForSeen } from "../answers.js";
import { joinable, likely } from "../numbers/findNumbers.js";
import { safely } from "../safely.js";
import { state } from "../state.js";
import { options } from "../tag.js";
import { renewOnChange } from "../visit/renew.js";
import { blockOf, isInline } from "./blockOf.js";
import { nameTarget } from "./nameTarget.js";
import { attributes, swapAttribute } from "./swapAttribute.js";
import { swapBlock } from "./swapBlock.js";
import { isOurs, restore } from "./write.js";

/** Swaps everything under a document or shadow root, now and from now on. @param {Node} root */
export const watch = root => {
  observer.observe(root, {
    subtree: true,
    childList: true,
    characterData: true,
    attributeFilter: attributes,
  });
  const blocks = new Set();
  enter(root, blocks);
  blocks.forEach(swapBlock);
};

/** Elements that may hold a number in an attribute, or a page of their own. */
const holders = attributes.map(name => `[${name}]`) + ",iframe";

/** Whether other text may stand in the same line. @param {any} node */
const hasCompany = node => node.previousSibling || node.nextSibling || isInline(node.parentNode);

/**
 * Swaps in the attributes under a node, and walks its text nodes (4) to collect the blocks that may
 * hold a number: most text costs one test. @param {any} root @param {Set<Node>} blocks
 */
const enter = (root, blocks) => {
  if (options.selector) {
    (root.parentNode || root).querySelectorAll(options.selector).forEach(nameTarget);
  }
  const walker = document.createTreeWalker(root, 4);
  for (let node; (node = /** @type {Text | null} */ (walker.nextNode())); ) {
    const { data } = node;
    if (state.restoring_) restore(node);
    else if (/\d/.test(data) && (likely.test(data) || (joinable.test(data) && hasCompany(node)))) {
      blocks.add(blockOf(node));
    }
  }
  // An iterator over all elements would cost as much as all the rest, and so would asking each
  // whether it matches.
  const all = root.querySelectorAll("*");
  for (let i = 0, element = root; element; element = all[i++]) safely(enterElement, element);
};

/**
 * Throws for what is no element, and for a form that hides a method: `<input name=matches>`.
 * @param {any} element
 */
const enterElement = element => {
  if (element.shadowRoot) watch(element.shadowRoot);
  if ((element.hasAttributes() || !element.firstChild) && element.matches(holders)) {
    for (const name of attributes) swapAttribute(element, name);
    if (element.localName == "iframe") {
      element.addEventListener("load", enterFrame);
      enterFrame({ target: element });
    }
  }
};

/** Frames of the same origin are parts of the page. @param {any} event */
const enterFrame = ({ target: { contentDocument } }) => {
  if (contentDocument) watch(contentDocument);
  askForSeen();
};

const observer = new MutationObserver(records => safely(() => {
  /** Nodes that are new with all they contain. @type {Set<Node>} */
  const fresh = new Set();
  /** @type {Set<Node>} */
  const blocks = new Set();
  for (const { target, attributeName, addedNodes } of records) {
    if (attributeName) swapAttribute(target, attributeName);
    else if (!isOurs(target)) {
      if (!fresh.has(target)) blocks.add(blockOf(target));
      addedNodes.forEach(node => {
        if (node.nodeType == 1 && !fresh.has(target)) enter(node, blocks);
        fresh.add(node);
      });
    }
  }
  blocks.forEach(swapBlock);
  renewOnChange();
  askForSeen();
}));
