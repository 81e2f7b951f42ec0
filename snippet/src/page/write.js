/**
 * What stood in a text or attribute before us, what we wrote last, and until when (in ms) our
 * writing there is made up for: each time counts for a tenth of a second.
 * @typedef {{ original_: string, written_: string, rounds_: number }} Entry
 */

/** @type {WeakMap<Node, Entry>} */
const log = new WeakMap();

/** Whether a node still holds what we wrote there. @param {Node} node */
export const isOurs = node => {
  const entry = log.get(node);
  return entry && entry.written_ == node.nodeValue;
};

/**
 * Changes a text or attribute node in place, and remembers what stood there. A script that keeps
 * writing the old number back wins in the end; one that renders it now and then doesn't.
 * @param {Node} node @param {string} after
 */
export const write = (node, after) => {
  const before = /** @type {string} */ (node.nodeValue);
  if (before == after) return;
  const now = Date.now();
  const entry = log.get(node) || /** @type {Entry} */ ({ rounds_: 0 });
  log.set(node, entry);
  if (!isOurs(node)) entry.original_ = before;
  entry.rounds_ = Math.max(entry.rounds_, now) + 100;
  if (entry.rounds_ < now + 2e3) put(node, (entry.written_ = after));
};

/** Puts back what stood in a node before us. @param {Node} node */
export const restore = node => {
  if (isOurs(node)) put(node, /** @type {Entry} */ (log.get(node)).original_);
};

/** @param {any} node @param {string} value */
const put = (node, value) => {
  const { nodeValue } = node;
  // Digits put in before the old ones go leave selection and caret where they are. Asking for the
  // selection instead would make the browser lay the page out, each time.
  if (node.insertData && value.length == nodeValue.length) {
    value.replace(/\d+|\D+/g, (/** @type {string} */ part, /** @type {number} */ at) => {
      if (!nodeValue.startsWith(part, at)) {
        node.insertData(at, part);
        node.deleteData(at + part.length, part.length);
      }
      return part;
    });
  } else node.nodeValue = value;
};
