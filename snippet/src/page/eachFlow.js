import { skipped } from "./skipped.js";

/** Whether an element is part of the line that it stands in. @param {Node} element */
export const isInline = element =>
  /^(a|abbr|b|bd[io]|em|font|i|mark|small|span|strong|su[bp]|time|tspan|u|wbr)$/i
    .test(element.nodeName);

/**
 * Calls `onFlow` with the text nodes of each line of running text under `root`, `onElement` with
 * root and each element. A number may be spread over the nodes of one flow, never over two.
 * @param {Node} root
 * @param {Set<Node> | undefined} fresh enter only these blocks, and what they contain; else all
 * @param {(nodes: Text[]) => void} onFlow @param {(element: any) => void} onElement
 */
export const eachFlow = (root, fresh, onFlow, onElement) => {
  /** @type {Text[]} */
  let nodes = [];
  let digits = false;

  const flush = () => {
    if (digits) onFlow(nodes);
    nodes = [];
    digits = false;
  };

  /** @param {any} parent @param {boolean} deep */
  const walk = (parent, deep) => {
    if (parent.matches) {
      onElement(parent);
      if (parent.matches(skipped)) return;
    }
    for (let node = parent.firstChild; node; node = node.nextSibling) {
      if (node.nodeType == 3) {
        nodes.push(node);
        digits = digits || /\d/.test(node.data);
      } else if (node.nodeType == 1) {
        const inside = deep || /** @type {Set<Node>} */ (fresh).has(node);
        const inline = isInline(node);
        if (!inline) flush();
        if (inline || inside) walk(node, inside);
        if (!inline) flush();
      }
    }
  };
  walk(root, !fresh);
  flush();
};
