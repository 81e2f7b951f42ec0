import { findNumbers, likely } from "../numbers/findNumbers.js";
import { writeNumber } from "../numbers/writeNumber.js";
import { answerFor, state } from "../state.js";
import { options } from "../tag.js";
import { isPhone, linkNumber } from "./linkNumber.js";
import { isSkipped } from "./skipped.js";
import { write } from "./write.js";

/**
 * Swaps the numbers in a line of running text, or in an attribute: each digit changes in the node
 * it stands in. @param {any[]} nodes text nodes, or one attribute
 */
export const swapFlow = nodes => {
  const text = nodes.map(node => node.nodeValue).join("");
  const [first] = nodes;
  if (state.restoring_ || !likely.test(text) || isSkipped(first.parentNode)) return;
  const { parentElement } = first;
  const characters = text.split("");
  // Line breaks are blanks, except in preformatted text.
  for (const occurrence of findNumbers(
    parentElement && parentElement.closest("pre") ? text.replace(/\n/g, "\0") : text,
  )) {
    const { target_ } = occurrence;
    const answer = answerFor(target_, () => swapFlow(nodes));
    if (answer) {
      // A link is another change of the page: we come back here for the rest.
      if (
        isPhone && (target_.call || options.clickToCall != null)
        && linkNumber(first, occurrence)
      ) return;
      writeNumber(characters, occurrence, answer, options.format || target_.as);
    }
  }
  let at = 0;
  for (const node of nodes) {
    write(node, characters.slice(at, (at += node.nodeValue.length)).join(""));
  }
};
