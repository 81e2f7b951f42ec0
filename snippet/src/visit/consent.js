import { options } from "../tag.js";

/** What the visitor told the page, and it us. @type {boolean | undefined} */
let told;

/** @param {boolean} value */
export const tellConsent = value => {
  told = value;
};

/** Whether anything may be stored in the browser, a visitor id included. */
export const consented = () => {
  /** What Google Consent Mode says, if the page has it. @type {Record<string, string>} */
  const mode = {};
  for (const entry of window.dataLayer) {
    if (entry && entry[0] == "consent") Object.assign(mode, entry[2]);
  }
  const { ad_storage, analytics_storage } = mode;
  return !navigator.globalPrivacyControl && (
    told != null ? told
      : ad_storage || analytics_storage ? !/denied/.test(ad_storage + analytics_storage)
        : options.consent != "required"
  );
};
