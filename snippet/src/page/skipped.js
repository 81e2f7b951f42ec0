import { options } from "../tag.js";

/** What the site's owner has marked: attributes stay there, too. */
export const untouchable = "[data-rp-noswap]";

/** Whose text isn't shown by the page; data for search engines only if the owner says so. */
export const skipped = "style,noscript,textarea,script"
  + (options.jsonld == null ? "," : ":not([type*=ld]),") + untouchable;

/**
 * Whether a node is inside an element that `selector` matches, or where visitors write; the hosts
 * of its shadow trees included. @param {any} node @param {string} selector @returns {boolean}
 */
export const isSkipped = (node, selector = skipped) => node && (
  (node.closest && (node.closest(selector)
    || /^[tp]/.test((node.closest("[contenteditable]") || node).contentEditable)))
  || isSkipped(node.getRootNode().host, selector)
);
