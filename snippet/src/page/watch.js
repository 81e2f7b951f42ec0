import { requestAnswers } from "../answers.js";
import { anyDigit, asciiDigits } from "../numbers/asciiDigits.js";
import { mayHoldNumber } from "../numbers/findNumbers.js";
import { safely } from "../safely.js";
import { state } from "../state.js";
import { options } from "../tag.js";
import { addSelectedNumber } from "./addSelectedNumber.js";
import { blockOf, isInline } from "./blockOf.js";
import { noteMark } from "./hydration.js";
import { attributes, swapAttribute } from "./swapAttribute.js";
import { swapBlock } from "./swapBlock.js";
import { watchShadows } from "./watchShadows.js";
import { beginRound, isOurs, restore } from "./write.js";

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
 * Swaps the attributes under a node, and adds the blocks that may hold a number in their text to
 * `blocks`: most texts cost one test. Comments (128) are looked at beside texts (4). @param {any} root @param {Set<Node>} blocks
 */
const swapUnder = (root, blocks) => {
  if (options.selector) {
    (root.parentNode || root).querySelectorAll(options.selector).forEach(addSelectedNumber);
  }
  const walker = document.createTreeWalker(root, 132);
  for (let node; (node = /** @type {Text | null} */ (walker.nextNode())); ) {
    safely(noteMark, node);
    if (state.restoring_) restore(node);
    else if (anyDigit.test(node.data)) {
      if (sharesLine(node) || mayHoldNumber.test(asciiDigits(node.data))) blocks.add(blockOf(node));
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

/** Changes that we haven't looked at yet. @type {MutationRecord[]} */
let changes = [];

/** When no more than a tenth of the time will have been ours (ms, on the page's clock). */
let rested = 0;

/** How long we rest now (ms): 0 when we don't. */
let rest = 0;

/**
 * Swaps what has changed, for no more than a tenth of each second, whatever the page does. Each time
 * counts 8 ms more: an observer of the page's that answers each of our changes with one of its own
 * would never let the page go on otherwise.
 */
const look = () => {
  const start = performance.now();
  safely(swapChanges);
  const now = performance.now();
  rested = Math.max(rested, start - 1e3) + 8 + 10 * (now - start);
  rest = Math.max(0, rested - now);
  if (rest) setTimeout(look, rest);
};

const observer = new MutationObserver(records => {
  changes = changes.concat(records);
  if (!rest) look();
});

const swapChanges = () => {
  let fresh;
  /** Nodes that are new, with all that they contain. @type {Set<Node>} */
  const added = new Set();
  /** @type {Set<Node>} */
  const blocks = new Set();
  for (const { target, attributeName, addedNodes, removedNodes } of changes.splice(0)) {
    if (isOurs(
      attributeName ? /** @type {any} */ (target).getAttributeNode(attributeName) : target,
    )) continue;
    // What is only added, as by the parser, is no round.
    fresh = fresh || !(addedNodes[0] && !removedNodes[0]) && beginRound(rest);
    if (attributeName) swapAttribute(target, attributeName);
    else {
      if (!added.has(target)) blocks.add(blockOf(target));
      addedNodes.forEach(node => {
        safely(noteMark, node);
        if (node.nodeType == 1 && !added.has(target)) swapUnder(node, blocks);
        added.add(node);
      });
    }
  }
  blocks.forEach(swapBlock);
  pageChanged();
  requestAnswers();
};
