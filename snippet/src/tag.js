/** The script's own tag. One that a loader has injected is found by its address. */
export const tag = /** @type {any} */ (
  document.currentScript
  || document.querySelector("[src*='dni.js']")
  || {}
);

/** @type {Settings} */
export const settings = SETTINGS || JSON.parse(tag.dataset.settings);

/** The tag's `data-` attributes, and the account's defaults for those that it lacks. */
export const options = { ...settings.o, ...tag.dataset };

/** In a test run the numbers are made up, and the service is asked for none. */
export const testing = /rp_test=1/.test(location.search);

/** @type {string} */
export const account = options.account || settings.a;

/**
 * The service's URL: the folder that this script was loaded from, so that a proxy on the site's own
 * domain works under any path.
 * @type {string}
 */
export const endpoint = options.endpoint
  || (tag.src || settings.e).replace(/\/(dni\/[^/]+\/)?dni\.js.*/, "");
