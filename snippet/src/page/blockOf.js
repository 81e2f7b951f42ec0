import { settings } from "../tag.js";

const inline = RegExp(settings.l, "i");

/**
 * Whether a node is part of the line that it stands in; what visitors edit begins a line of its
 * own, and so does what they don't edit inside of that. @param {any} node
 */
export const isInline = node =>
  inline.test(node.nodeName) && !/^[ftp]/.test(node.contentEditable);

/** The nearest node around a node whose lines are its own. @param {Node} node @returns {Node} */
export const blockOf = node =>
  node.parentNode && isInline(node) ? blockOf(node.parentNode) : node;
