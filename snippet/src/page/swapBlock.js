import { isInline } from "./blockOf.js";
import { skipped } from "./skipped.js";
import { swapText } from "./swapText.js";

/**
 * Swaps in the lines of a block, without those of blocks inside it. A number may be spread over the
 * text nodes of one line, never over two lines. @param {Node} block
 */
export const swapBlock = block => {
  /** @type {Node[]} */
  const line = [];

  const endLine = () => swapText(line.splice(0));

  /** @param {Node} parent */
  const walk = parent => {
    for (let node = /** @type {any} */ (parent.firstChild); node; node = node.nextSibling) {
      if (node.nodeType == 3) line.push(node);
      else if (!isInline(node)) endLine();
      else if (node.matches && !node.matches(skipped)) walk(node);
    }
  };

  walk(block);
  endLine();
};
