import { options } from "../tag.js";

/** What a person writes in, and what the site's owner keeps for himself. */
export const untouchable =
  "[data-rp-noswap],[contenteditable]:not([contenteditable=false])";

/** Whose text isn't the page's; data for search engines only if the owner says so. */
export const skipped = "style,noscript,textarea,script"
  + (options.jsonld == null ? "," : ":not([type*=ld]),") + untouchable;

/**
 * Shadow trees are as untouchable as their hosts.
 * @param {any} node @param {string} what @returns {boolean}
 */
export const isSkipped = (node, what = skipped) => node
  && ((node.closest && node.closest(what)) || isSkipped(node.getRootNode().host, what));
