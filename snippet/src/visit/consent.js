import { state } from "../state.js";
import { options } from "../tag.js";

/** Whether anything may be stored in the browser, a visitor id included. */
export const consented = () => {
  /** The state of Google Consent Mode, if the page has it. @type {Record<string, string>} */
  const mode = {};
  // Some sites have an object of their own under that name, or nothing.
  for (const entry of /** @type {any[]} */ ([]).concat(window.dataLayer)) {
    if (entry && entry[0] == "consent") Object.assign(mode, entry[2]);
  }
  const storage = mode.ad_storage + mode.analytics_storage;
  return !navigator.globalPrivacyControl && (
    state.consent_ != null ? state.consent_
      : !/denied/.test(storage) && (/granted/.test(storage) || options.consent != "required")
  );
};
