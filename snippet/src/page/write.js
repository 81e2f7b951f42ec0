/**
 * What a text or attribute held before us, and what we wrote last.
 * @typedef {{ original_: string, written_: string }} Entry
 */

import { waits } from "./hydration.js";

/** @type {WeakMap<Node, Entry>} */
const entries = new WeakMap();

/** The texts that were replaced in each round of the last two seconds, the present round first. */
const rounds = [new Set()];

/**
 * Begins a round: a script has written something anew. Returns a true value. Where we have to rest
 * between rounds, as on a slow machine, they count for longer.
 * @param {number} rest ms
 */
export const beginRound = rest =>
  rounds.unshift(new Set()) && setTimeout(() => rounds.pop(), 2e3 + 20 * rest);

/**
 * Whether a text or attribute has to stay as it is: for now, because a framework hasn't hydrated it
 * yet, or because a script writes this very text over and over. That script wins after some twenty
 * rounds, wherever and in whatever node it writes. @param {Node} node
 */
export const stays = node => waits(node) || (
  rounds[0].add(node.nodeValue) && rounds.filter(texts => texts.has(node.nodeValue))[20]
);

/** Whether a node still holds what we wrote there. @param {Node} node */
export const isOurs = node => {
  const entry = entries.get(node);
  return entry && entry.written_ == node.nodeValue;
};

/**
 * Changes a text or attribute node in place, and keeps what it held.
 * @param {Node} node @param {string} after
 */
export const write = (node, after) => {
  const before = /** @type {string} */ (node.nodeValue);
  if (before == after || stays(node)) return;
  let entry = entries.get(node);
  if (!entry) {
    // WebKit forgets an attribute's node that no script holds, and its entry with it: the element
    // holds it, in an entry of its own that is never ours.
    const holder = /** @type {any} */ (node).ownerElement || node;
    entries.set(holder, /** @type {any} */ ({ written_: [node, entries.get(holder)] }));
    entries.set(node, (entry = /** @type {Entry} */ ({})));
  }
  if (!isOurs(node)) entry.original_ = before;
  put(node, (entry.written_ = after));
};

/** Puts back what a node held before us. @param {Node} node */
export const restore = node => {
  if (isOurs(node)) put(node, /** @type {Entry} */ (entries.get(node)).original_);
};

/** @param {any} node @param {string} value */
const put = (node, value) => {
  const { nodeValue } = node;
  // Selection and caret stay where they are if new digits are inserted before the old ones are
  // deleted. Reading the selection instead would make the browser lay the page out each time.
  if (node.insertData && value.length == nodeValue.length) {
    value.replace(/\d+|\D+/g, /** @type {any} */ (
      (/** @type {string} */ part, /** @type {number} */ at) => {
        if (!nodeValue.startsWith(part, at)) {
          node.insertData(at, part);
          node.deleteData(at + part.length, part.length);
        }
      }
    ));
  } else node.nodeValue = value;
};
