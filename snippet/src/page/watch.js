import { askForSeen } from "../answers.js";
import { joinable } from "../numbers/findNumbers.js";
import { safely } from "../safely.js";
import { options } from "../tag.js";
import { blockOf } from "./blockOf.js";
import { nameTarget } from "./nameTarget.js";
import { attributes, swapAttribute } from "./swapAttribute.js";
import { swapBlock } from "./swapBlock.js";
import { isOurs } from "./write.js";

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

/**
 * Swaps in the attributes under a node, and walks its text nodes (4) to collect the blocks whose text may hold a number: only
 * of text that may do so is more looked at than the text itself.
 * @param {any} root @param {Set<Node>} blocks
 */
const enter = (root, blocks) => {
  if (options.selector) root.querySelectorAll(options.selector).forEach(nameTarget);
  const walker = document.createTreeWalker(root, 4);
  for (let node; (node = /** @type {Text | null} */ (walker.nextNode())); ) {
    if (/\d/.test(node.data) && joinable.test(node.data)) blocks.add(blockOf(node));
  }
  for (const element of [root, ...root.querySelectorAll(holders)]) {
    if (element.closest) for (const name of attributes) swapAttribute(element, name);
    if (element.nodeName == "IFRAME") {
      element.addEventListener("load", enterFrame);
      enterFrame({ target: element });
    }
  }
  // Shadow trees are, too.
  for (const { shadowRoot } of root.querySelectorAll("*")) if (shadowRoot) watch(shadowRoot);
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
  for (const { type, target, addedNodes, attributeName } of records) {
    if (attributeName) swapAttribute(target, attributeName);
    else if (type == "childList" || !isOurs(target)) {
      if (!fresh.has(target)) blocks.add(blockOf(target));
      addedNodes.forEach(node => {
        if (node.nodeType == 1 && !fresh.has(target)) enter(node, blocks);
        fresh.add(node);
      });
    }
  }
  blocks.forEach(swapBlock);
  askForSeen();
}));
