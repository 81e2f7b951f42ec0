import { safely } from "../safely.js";
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
  fetch(url).then(response => response.json().then(resolve, resolve), () => {
    const name = "rp" + random();
    /** @type {any} */ (window)[name] = resolve;
    safely(() => loadScript(url + "&callback=" + name));
  });
});
