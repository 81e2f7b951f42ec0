import { safely } from "../safely.js";
import { stays } from "./write.js";

export const isPhone = /Mobi/.test(navigator.userAgent);

/**
 * Makes an occurrence a link to the number printed there, which is swapped and restored as any
 * other link. Returns whether it did: an occurrence stays text where a link would break something,
 * and where it doesn't stand in this node alone, and until it is hydrated.
 * @param {any} node @param {Occurrence} occurrence
 */
export const linkNumber = (node, { target_, start_, end_ }) => safely(() => {
  const link = document.createElement("a");
  /** @type {any} */
  const range = document.createRange();
  range.setStart(node, start_);
  range.setEnd(node, end_); // throws for a place outside of the node
  link.href = "tel:" + target_.t;
  return !stays(node) && !node.parentNode.closest("a,button,option,script,svg,title")
    && !range.surroundContents(link);
});
