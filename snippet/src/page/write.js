/**
 * What a text or attribute held before us, and what we wrote last.
 * @typedef {{ original_: string, written_: string }} Entry
 */

/** @type {WeakMap<Node, Entry>} */
const entries = new WeakMap();

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
  if (before == after) return;
  const { original_ } = isOurs(node) ? /** @type {Entry} */ (entries.get(node)) : { original_: before };
  entries.set(node, { original_, written_: after });
  put(node, after);
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
