import { swapText } from "./swapText.js";
import { write } from "./write.js";

/**
 * Swaps the numbers in a line of running text: each digit changes in the text node it stands in.
 * @param {Text[]} nodes @param {string} text
 */
export const swapFlow = (nodes, text) => {
  const again = () => swapFlow(nodes, nodes.map(node => node.data).join(""));
  // Line breaks are blanks, except in preformatted text.
  const shown = nodes[0].parentElement?.closest("pre") ? text.replace(/\n/g, "\0") : text;
  const characters = swapText(shown, again);
  if (!characters) return;
  let at = 0;
  for (const node of nodes) {
    const { data } = node;
    write(node, data, characters.slice(at, (at += data.length)).join("").replace(/\0/g, "\n"));
  }
};
