import { findNumbers } from "../numbers/findNumbers.js";
import { writeNumber } from "../numbers/writeNumber.js";
import { answerFor, state } from "../state.js";
import { options } from "../tag.js";
import { restore, write } from "./write.js";

/**
 * Swaps the numbers in a line of running text, or in an attribute: each digit changes in the node
 * it stands in. @param {Node[]} nodes text nodes, or one attribute
 */
export const swapFlow = nodes => {
  if (state.restoring_) return nodes.forEach(restore);
  const { parentElement } = nodes[0];
  let text = nodes.map(node => node.nodeValue).join("");
  // Line breaks are blanks, except in preformatted text.
  if (parentElement && parentElement.closest("pre")) text = text.replace(/\n/g, "\0");
  let characters;
  for (const occurrence of findNumbers(text)) {
    const answer = answerFor(occurrence.target_, () => swapFlow(nodes));
    if (answer) {
      characters = characters || text.split("");
      writeNumber(characters, occurrence, answer, options.format || occurrence.target_.as);
    }
  }
  let at = 0;
  if (characters) {
    for (const node of nodes) {
      const { length } = /** @type {string} */ (node.nodeValue);
      write(node, characters.slice(at, (at += length)).join("").replace(/\0/g, "\n"));
    }
  }
};
