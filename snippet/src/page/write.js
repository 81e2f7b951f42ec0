/**
 * @typedef {{ original_: string, written_: string, at_: number, rounds_: number }} Entry
 * what stood in a place before our first write, and what we wrote last
 */

/** @type {WeakMap<Node, Record<string, Entry>>} */
const log = new WeakMap();

/** What we did to a place. @param {Node} node @param {string} [attribute] */
export const written = (node, attribute = "") => log.get(node)?.[attribute];

/**
 * Changes a text node or an attribute in place, and remembers what stood there. A script that
 * keeps writing the old number back wins after a few rounds.
 * @param {Node} node @param {string} before @param {string} after @param {string} [attribute]
 */
export const write = (node, before, after, attribute = "") => {
  if (before == after) return;
  const entries = log.get(node) || {};
  log.set(node, entries);
  const entry = (entries[attribute] = entries[attribute] || {
    original_: before, written_: "", at_: 0, rounds_: 0,
  });
  if (entry.rounds_ > 5) return;
  const now = Date.now();
  if (entry.written_ != before) {
    entry.original_ = before;
    entry.rounds_ = now - entry.at_ < 2e3 ? entry.rounds_ + 1 : 0;
  }
  entry.at_ = now;
  entry.written_ = after;
  put(node, attribute, after);
};

/** Puts back what stood in a place before us. @param {Node} node @param {string} [attribute] */
export const restore = (node, attribute = "") => {
  const entry = written(node, attribute);
  if (!entry) return;
  delete log.get(node)?.[attribute];
  const now = attribute
    ? /** @type {Element} */ (node).getAttribute(attribute)
    : /** @type {Text} */ (node).data;
  if (now == entry.written_) put(node, attribute, entry.original_);
};

/** @param {Node} node @param {string} attribute @param {string} value */
const put = (node, attribute, value) => {
  if (attribute) return /** @type {Element} */ (node).setAttribute(attribute, value);
  // Writing a text node moves a selection in it to its beginning.
  const selection = node.ownerDocument?.getSelection();
  const { anchorNode, anchorOffset, focusNode, focusOffset } = selection || {};
  /** @type {Text} */ (node).data = value;
  if (selection && (anchorNode == node || focusNode == node)) {
    const length = value.length;
    selection.setBaseAndExtent(
      /** @type {Node} */ (anchorNode),
      anchorNode == node ? Math.min(anchorOffset || 0, length) : anchorOffset || 0,
      /** @type {Node} */ (focusNode),
      focusNode == node ? Math.min(focusOffset || 0, length) : focusOffset || 0,
    );
  }
};
