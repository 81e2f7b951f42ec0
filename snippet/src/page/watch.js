import { askForSeen } from "../answers.js";
import { options } from "../tag.js";
import { eachFlow, isInline } from "./eachFlow.js";
import { safely } from "../safely.js";
import { skipped } from "./skipped.js";
import { attributes, swapAttribute } from "./swapAttribute.js";
import { swapFlow } from "./swapFlow.js";
import { nameTarget } from "./nameTarget.js";
import { isOurs } from "./write.js";

/** Swaps everything under a node, a document or a shadow root, now and from now on. @param {Node} root */
export const watch = root => {
  observer.observe(root, {
    subtree: true,
    childList: true,
    characterData: true,
    attributeFilter: attributes,
  });
  eachFlow(root, undefined, swapFlow, enter);
};

/** Shadow trees and frames of the same origin are parts of the page. @param {Element} element */
const enter = element => {
  if (element.matches(options.selector)) nameTarget(element); // undefined: no element's name
  for (const name of attributes) swapAttribute(element, name);
  if (element.shadowRoot) watch(element.shadowRoot);
  if (element.nodeName == "IFRAME") {
    element.addEventListener("load", enterFrame);
    enterFrame({ target: element });
  }
};

const enterFrame = (/** @type {any} */ { target: { contentDocument } }) => {
  if (contentDocument) watch(contentDocument);
  askForSeen();
};

const observer = new MutationObserver(records => safely(() => {
  /** Nodes that are new with all they contain. @type {Set<any>} */
  const fresh = new Set();
  /** Blocks whose own lines have changed. @type {Set<any>} */
  const blocks = new Set();

  for (const { type, target, addedNodes, attributeName } of records) {
    if (attributeName) swapAttribute(target, attributeName);
    else if (type == "childList" || !isOurs(target)) {
      addedNodes.forEach(node => fresh.add(node));
      if (!fresh.has(target)) {
        /** @type {any} */
        let block = target;
        while (block.parentNode && (block.nodeType == 3 || isInline(block))) block = block.parentNode;
        blocks.add(block);
      }
    }
  }
  for (const block of blocks) {
    if (block.isConnected && !isSkipped(block)) eachFlow(block, fresh, swapFlow, enter);
  }
  askForSeen();
}));

/** Shadow trees are as untouchable as their hosts. @param {any} node @returns {boolean} */
const isSkipped = node =>
  node && ((node.closest && node.closest(skipped)) || isSkipped(node.getRootNode().host));
