/** What a person writes in, and what the site's owner keeps for himself. */
export const untouchable =
  "[data-rp-noswap],[contenteditable]:not([contenteditable=false])";

/** Whose text isn't the page's. */
export const skipped = "script,style,noscript,template,textarea," + untouchable;
