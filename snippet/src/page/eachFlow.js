import { skipped } from "./skipped.js";

const inline = new Set(
  "A ABBR B BDI BDO BIG CITE CODE DATA DEL DFN EM FONT I INS KBD LABEL MARK NOBR Q S SAMP SMALL SPAN STRIKE STRONG SUB SUP TIME TT U VAR WBR a tspan"
    .split(" "),
);

/** Whether an element is part of the line that it stands in. @param {Node} element */
export const isInline = element => inline.has(element.nodeName);

/**
 * Calls `onFlow` with the text nodes of each line of running text under `root`, and `onElement`
 * with each element. A number may be spread over the nodes of one flow, never over two.
 * @param {Node} root
 * @param {boolean | Set<Node>} deep into blocks as well, or only root's own flows, or into blocks
 * inside these elements
 * @param {(nodes: Text[], text: string) => void} onFlow
 * @param {(element: Element) => void} onElement
 */
export const eachFlow = (root, deep, onFlow, onElement) => {
  /** @type {Text[]} */
  let nodes = [];
  let text = "";
  let digits = false;

  const flush = () => {
    if (digits) onFlow(nodes, text);
    if (text) nodes = [];
    text = "";
    digits = false;
  };

  /** @param {Node} parent @param {boolean} into */
  const walk = (parent, into) => {
    for (let node = parent.firstChild; node; node = node.nextSibling) {
      if (node.nodeType == 3) {
        const data = /** @type {Text} */ (node).data;
        nodes.push(/** @type {Text} */ (node));
        text += data;
        digits = digits || /\d/.test(data);
      } else if (node.nodeType == 1) {
        const element = /** @type {Element} */ (node);
        if (isInline(element)) {
          if (!element.matches(skipped)) {
            onElement(element);
            walk(element, into || (deep !== false && deep !== true && deep.has(element)));
          }
        } else {
          flush();
          if (into && !element.matches(skipped)) {
            onElement(element);
            walk(element, true);
          }
          flush();
        }
      }
    }
  };
  if (root.nodeType == 1) onElement(/** @type {Element} */ (root));
  walk(root, deep === true);
  flush();
};
