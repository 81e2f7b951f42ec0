/** The settings and attributes that this run of the script was given. */

export const tag = /** @type {HTMLScriptElement | null} */ (
  document.currentScript || document.querySelector('script[src*="dni.js"]')
);

/** @returns {Settings} */
const read = () => {
  try {
    return SETTINGS || JSON.parse(tag?.dataset.settings || "{}");
  } catch {
    return {};
  }
};
export const settings = read();

/**
 * The value of a `data-` attribute of the tag, or the account's default for it.
 * @param {string} name without `data-` @returns {string | undefined}
 */
export const option = name => {
  const value = tag?.getAttribute("data-" + name);
  return value == null ? settings.defaults?.[name] : value;
};

export const account = option("account") || settings.account || "";

/**
 * Where the service is: next to where this script came from, so that a proxy on the site's own
 * domain works under any path.
 */
export const endpoint = (
  option("endpoint")
  || /^(.*?)\/(?:dni\/[^/]+\/)?dni\.js/.exec(tag?.src || "")?.[1]
  || settings.endpoint
  || ""
).replace(/\/$/, "");
