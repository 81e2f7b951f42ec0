import { eachFlow, isInline } from "./eachFlow.js";
import { skipped } from "./skipped.js";
import { attributes, holders, swapAttribute } from "./swapAttribute.js";
import { swapFlow } from "./swapFlow.js";
import { written } from "./write.js";

/** @type {WeakSet<Node>} */
const watched = new WeakSet();

/** @type {() => void} */
let afterwards = () => {};

/** Called after each pass over something new. @param {() => void} callback */
export const onPass = callback => {
  afterwards = callback;
};

/** Swaps everything under a document or shadow root, now and from now on. @param {Node} root */
export const watch = root => {
  if (!watched.has(root)) {
    watched.add(root);
    observer.observe(root, {
      subtree: true,
      childList: true,
      characterData: true,
      attributeFilter: attributes,
    });
  }
  swapUnder(root);
};

/** @param {Node} root */
export const swapUnder = root => {
  eachFlow(root, true, swapFlow, enter);
  swapHolders(root);
};

/** @param {Node} root */
const swapHolders = root => {
  if (root.nodeType == 1) swapAttributes(/** @type {Element} */ (root));
  /** @type {Element} */ (root).querySelectorAll(holders).forEach(swapAttributes);
};

/** @param {Element} element */
const swapAttributes = element => {
  for (const name of attributes) swapAttribute(element, name);
};

/** Shadow trees and frames of the same origin are parts of the page. @param {Element} element */
const enter = element => {
  if (element.shadowRoot) watch(element.shadowRoot);
  if (element.nodeName == "IFRAME") {
    const frame = /** @type {HTMLIFrameElement} */ (element);
    const look = () => {
      if (frame.contentDocument) {
        watch(frame.contentDocument);
        afterwards();
      }
    };
    if (!watched.has(frame)) frame.addEventListener("load", look);
    watched.add(frame);
    look();
  }
};

const observer = new MutationObserver(records => {
  /** Nodes whose whole inside is looked at in this batch. @type {Set<Node>} */
  const covered = new Set();
  /** Blocks whose own lines changed. @type {Set<Node>} */
  const lines = new Set();

  /** @param {Node | null} node */
  const line = node => {
    while (node && isInline(node) && node.parentNode) node = node.parentNode;
    if (node) lines.add(node);
  };

  for (const { type, target, addedNodes, attributeName } of records) {
    if (type == "attributes") swapAttribute(/** @type {Element} */ (target), attributeName || "");
    else if (type == "characterData") {
      if (written(target)?.written_ != /** @type {Text} */ (target).data) line(target.parentNode);
    } else if (covered.has(target)) addedNodes.forEach(node => covered.add(node));
    else {
      addedNodes.forEach(node => {
        if (node.nodeType == 1) covered.add(node);
      });
      line(target);
    }
  }
  for (const node of covered) {
    const parent = node.parentNode;
    if (parent && node.isConnected && !covered.has(parent) && !isSkipped(parent)) {
      // Text inside an inline element belongs to the line around it.
      (isInline(node) ? swapHolders : swapUnder)(node);
    }
  }
  for (const node of lines) {
    if (node.isConnected && !covered.has(node) && !isSkipped(node)) {
      eachFlow(node, covered, swapFlow, enter);
    }
  }
  afterwards();
});

/** @param {Node} node */
const isSkipped = node => {
  const element = /** @type {Element} */ (node);
  return !!element.closest && !!element.closest(skipped);
};
