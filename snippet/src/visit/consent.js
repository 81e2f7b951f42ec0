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
  // Some sites have an object of their own there, or nothing.
  for (const entry of /** @type {any[]} */ ([]).concat(window.dataLayer)) {
    if (entry && entry[0] == "consent") Object.assign(mode, entry[2]);
  }
  const said = mode.ad_storage + mode.analytics_storage;
  return !navigator.globalPrivacyControl && (
    told != null ? told
      : !/denied/.test(said) && (/granted/.test(said) || options.consent != "required")
  );
};
