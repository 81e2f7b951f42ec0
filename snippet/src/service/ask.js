import { endpoint, options } from "../tag.js";
import { random } from "../visit/memory.js";
import { loadScript } from "./loadScript.js";

/**
 * Asks the service, by JSONP where a policy of the page stands in the way of fetch. Resolves in
 * time: with its reply, or with something else. JSONP comes second because a slow script holds up
 * the page's load event, and an answer that is no script is an error of the page's.
 * @param {string} path @param {URLSearchParams} query @returns {Promise<any>}
 */
export const ask = (path, query) => new Promise(resolve => {
  const url = endpoint + path + "?" + query;
  setTimeout(resolve, options.timeout);
  // The page may have a fetch of its own: whatever it throws or gives is no error of the page's.
  (async () => fetch(url))().then(
    response => response.json(),
    () => new Promise(answered => {
      const name = "rp" + random();
      /** @type {any} */ (window)[name] = answered;
      loadScript(url + "&callback=" + name);
    }),
  ).then(resolve, resolve);
});
