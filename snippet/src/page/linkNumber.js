import { safely } from "../safely.js";

export const isPhone = /Mobi/.test(navigator.userAgent);

/**
 * Makes an occurrence a link to the number printed there, which is then swapped, and restored, as
 * any other. Whether it did: one that doesn't stand in this node alone, or where a link would break
 * something, stays text.
 * @param {any} node @param {Occurrence} occurrence
 */
export const linkNumber = (node, { target_, start_, end_ }) => safely(() => {
  const link = document.createElement("a");
  /** @type {any} */
  const range = document.createRange();
  range.setStart(node, start_);
  range.setEnd(node, end_); // throws for a place outside of the node
  link.href = "tel:" + target_.t;
  return !node.parentNode.closest("a,button,option,script,svg,title")
    && !range.surroundContents(link);
});
