/** The tag that this script came with; one that a loader injected is found by its address. */
export const tag = /** @type {any} */ (
  document.currentScript
  || document.querySelector("[src*='dni.js']")
  || {}
);

/** @type {Settings} */
export const settings = SETTINGS || JSON.parse(tag.dataset.settings);

/** The tag's `data-` attributes, and the account's defaults for those it lacks. */
export const options = { ...settings.o, ...tag.dataset };

/** A test run: the report makes numbers up, and nobody is asked for one. */
export const testing = /rp_test=1/.test(location.search);

/** @type {string} */
export const account = options.account || settings.a;

/**
 * Where the service is: next to where this script came from, so that a proxy on the site's own
 * domain works under any path.
 * @type {string}
 */
export const endpoint = options.endpoint
  || (tag.src || settings.e).replace(/\/(dni\/[^/]+\/)?dni\.js.*/, "");
