import { isInline } from "./blockOf.js";
import { skipped } from "./skipped.js";
import { swapFlow } from "./swapFlow.js";

/**
 * Swaps in the lines of a block, not in those of blocks inside it. A number may be spread over the
 * text nodes of one line, never over two. @param {Node} block
 */
export const swapBlock = block => {
  /** @type {Node[]} */
  let nodes = [];

  const endLine = () => {
    swapFlow(nodes);
    nodes = [];
  };

  /** @param {Node} parent */
  const walk = parent => {
    for (let node = /** @type {any} */ (parent.firstChild); node; node = node.nextSibling) {
      if (node.nodeType == 3) nodes.push(node);
      else if (!isInline(node)) endLine();
      else if (node.matches && !node.matches(skipped)) walk(node);
    }
  };

  walk(block);
  endLine();
};
