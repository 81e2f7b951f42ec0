import { randomDigits } from "../randomDigits.js";
import { endpoint } from "../tag.js";
import { loadScript } from "./loadScript.js";

/**
 * Asks the service: by fetch, or by JSONP where a policy of the page stands in its way. Resolves
 * when it is certain what the service says, however long that takes: with the reply, or with
 * anything else. JSONP isn't tried first because a slow script delays the page's load event, and a
 * reply that is no script is an error of the page's.
 * @param {string} path @param {URLSearchParams} query
 * @param {number} [patience] ms after which it resolves anyway @returns {Promise<any>}
 */
export const ask = (path, query, patience = 1e9) => new Promise(resolve => {
  setTimeout(resolve, patience);
  const url = endpoint + path + "?" + query;
  // The page may have replaced fetch: what that throws or returns is no error of the page's.
  (async () => fetch(url))().then(
    response => response.json(),
    () => new Promise(answered => {
      const name = "rp" + randomDigits();
      /** @type {any} */ (window)[name] = answered;
      loadScript(url + "&callback=" + name, answered);
    }),
  ).then(resolve, resolve);
});
