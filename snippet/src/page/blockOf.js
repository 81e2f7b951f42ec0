/**
 * Whether a node is part of the line that it stands in; what visitors edit begins a line of its
 * own, and so does what they don't edit inside of that. @param {any} node
 */
export const isInline = node =>
  /^(#.+|a|abbr|b|bd[io]|code|data|em|font|i|label|mark|small|span|strong|su[bp]|time|tspan|u|wbr)$/i
    .test(node.nodeName) && !/^[ftp]/.test(node.contentEditable);

/** The nearest node around a node whose lines are its own. @param {Node} node */
export const blockOf = node => {
  while (node.parentNode && isInline(node)) node = node.parentNode;
  return node;
};
