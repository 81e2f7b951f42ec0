import { requestAnswers } from "../answers.js";
import { anyDigit, asciiDigits } from "../numbers/asciiDigits.js";
import { mayBePartOfNumber, mayHoldNumber } from "../numbers/findNumbers.js";
import { safely } from "../safely.js";
import { state } from "../state.js";
import { options } from "../tag.js";
import { addSelectedNumber } from "./addSelectedNumber.js";
import { blockOf, isInline } from "./blockOf.js";
import { attributes, swapAttribute } from "./swapAttribute.js";
import { swapBlock } from "./swapBlock.js";
import { watchShadows } from "./watchShadows.js";
import { isOurs, restore } from "./write.js";

/** @type {() => void} */
let pageChanged;

/** Sets what is called after each change of the page. @param {() => void} callback */
export const onPageChange = callback => {
  pageChanged = callback;
};

/** Swaps everything under a document or shadow root, now and later. @param {Node} root */
export const watch = root => {
  observer.observe(root, {
    subtree: true,
    childList: true,
    characterData: true,
    attributeFilter: attributes,
  });
  safely(() => watchShadows(/** @type {any} */ (root).defaultView, watch));
  const blocks = new Set();
  swapUnder(root, blocks);
  blocks.forEach(swapBlock);
};

/** Elements that may hold a number in an attribute, whatever its namespace, or a document. */
const holders = attributes.map(name => `[*|${name}]`) + ",iframe";

/** Whether other text may stand in the same line. @param {any} node */
const sharesLine = node => node.previousSibling || node.nextSibling || isInline(node.parentNode);

/**
 * Swaps the attributes under a node, and adds the blocks that may hold a number in their text (4)
 * to `blocks`: most texts cost one test. @param {any} root @param {Set<Node>} blocks
 */
const swapUnder = (root, blocks) => {
  if (options.selector) {
    (root.parentNode || root).querySelectorAll(options.selector).forEach(addSelectedNumber);
  }
  const walker = document.createTreeWalker(root, 4);
  for (let node; (node = /** @type {Text | null} */ (walker.nextNode())); ) {
    if (state.restoring_) restore(node);
    else if (anyDigit.test(node.data)) {
      const text = asciiDigits(node.data);
      if (mayHoldNumber.test(text) || (mayBePartOfNumber.test(text) && sharesLine(node))) {
        blocks.add(blockOf(node));
      }
    }
  }
  // An iterator over all elements would cost as much as all the rest, and so would asking each
  // whether it matches.
  const all = root.querySelectorAll("*");
  for (let i = 0, element = root; element; element = all[i++]) safely(swapElement, element);
};

/**
 * Throws for a node that isn't an element, and for a form that hides a method of its own by a field
 * of that name: `<input name=matches>`.
 * @param {any} element
 */
const swapElement = element => {
  if (element.shadowRoot) watch(element.shadowRoot);
  if ((element.hasAttributes() || !element.firstChild) && element.matches(holders)) {
    for (const name of attributes) swapAttribute(element, name);
    if (element.localName == "iframe") {
      element.addEventListener("load", watchFrame);
      watchFrame({ target: element });
    }
  }
};

/** A frame of the same origin is part of the page. @param {any} event */
const watchFrame = ({ target: { contentDocument } }) => {
  if (contentDocument) watch(contentDocument);
  requestAnswers();
};

/** Changes that we haven't looked at yet. @type {MutationRecord[][]} */
const changes = [];

/** When no more than a tenth of the time will have been ours (ms, on the page's clock). */
let rested = 0;

/** Truthy while we rest. @type {any} */
let resting;

/** Swaps what has changed, for no more than a tenth of each second, whatever the page does. */
const look = () => {
  const start = performance.now();
  safely(swapChanges, start);
  const now = performance.now();
  rested = Math.max(rested, start - 1e3) + 10 * (now - start);
  resting = rested > now && setTimeout(look, rested - now);
};

const observer = new MutationObserver(records => {
  changes.push(records);
  if (!resting) look();
});

/**
 * How far each place is ahead of the clock: whenever a script writes it anew, it moves on by a tenth
 * of a second. A place is a text, or an element with attributes or children: what stays there when
 * its contents are replaced. @type {WeakMap<Node, number>}
 */
const ahead = new WeakMap();

/** Places that we have come back to after their script had fallen silent. */
const retried = new WeakSet();

/** @type {any} */
let silence;

/** @param {number} now */
const swapChanges = now => {
  /** Nodes that are new, with all that they contain. @type {Set<Node>} */
  const added = new Set();
  /** @type {Set<Node>} */
  const blocks = new Set();
  const rewritten = new Set();
  for (const { target, attributeName, addedNodes, removedNodes } of changes.splice(0).flat()) {
    if (isOurs(
      attributeName ? /** @type {any} */ (target).getAttributeNode(attributeName) : target,
    )) continue;
    if (!rewritten.has(target) && (removedNodes[0] || !addedNodes[0])) {
      rewritten.add(target);
      ahead.set(target, Math.max(ahead.get(target) || 0, now) + 100);
    }
    if (/** @type {number} */ (ahead.get(target)) > now + 2e3) {
      // After some twenty rounds the script wins; what it leaves behind is swapped once.
      clearTimeout(silence);
      silence = setTimeout(() => {
        if (!retried.has(target)) safely(watch, document);
        retried.add(target);
      }, 3e3);
    } else if (attributeName) swapAttribute(target, attributeName);
    else {
      if (!added.has(target)) blocks.add(blockOf(target));
      addedNodes.forEach(node => {
        if (node.nodeType == 1 && !added.has(target)) swapUnder(node, blocks);
        added.add(node);
      });
    }
  }
  blocks.forEach(swapBlock);
  pageChanged();
  requestAnswers();
};
