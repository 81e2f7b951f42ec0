/** Whether a node is part of the line that it stands in. @param {Node} node */
export const isInline = node =>
  /^(#.+|a|b|em|font|i|mark|small|span|strong|su[bp]|tspan|u|wbr)$/i
    .test(node.nodeName);

/** The nearest node around a node whose lines are its own. @param {Node} node */
export const blockOf = node => {
  while (node.parentNode && isInline(node)) node = node.parentNode;
  return node;
};
