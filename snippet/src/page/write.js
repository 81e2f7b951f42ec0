/**
 * What a text or attribute held before us, what we wrote last, and a time (Unix ms) that limits how
 * often we write: each writing moves it a tenth of a second on, and none may move it more than two
 * seconds past the present.
 * @typedef {{ original_: string, written_: string, limit_: number }} Entry
 */

import { waits } from "./hydration.js";

/** @type {WeakMap<Node, Entry>} */
const entries = new WeakMap();

/** Whether a node still holds what we wrote there. @param {Node} node */
export const isOurs = node => {
  const entry = entries.get(node);
  return entry && entry.written_ == node.nodeValue;
};

/**
 * Changes a text or attribute node in place, and keeps what it held. A script that writes the old
 * number back over and over wins in the end; one that renders it now and then doesn't. What a
 * framework hasn't hydrated yet stays as it is until then.
 * @param {Node} node @param {string} after
 */
export const write = (node, after) => {
  const before = /** @type {string} */ (node.nodeValue);
  if (before == after || waits(node)) return;
  const now = Date.now();
  let entry = entries.get(node);
  if (!entry) {
    // WebKit forgets an attribute's node that no script holds, and its entry with it: the element
    // holds it, in an entry of its own that is never ours.
    const holder = /** @type {any} */ (node).ownerElement || node;
    entries.set(holder, /** @type {any} */ ({ written_: [node, entries.get(holder)] }));
    entries.set(node, (entry = /** @type {Entry} */ ({ limit_: 0 })));
  }
  if (!isOurs(node)) entry.original_ = before;
  entry.limit_ = Math.max(entry.limit_, now) + 100;
  if (entry.limit_ < now + 2e3) put(node, (entry.written_ = after));
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
