import { safely } from "../safely.js";
import { endpoint, options } from "../tag.js";
import { random } from "../visit/memory.js";
import { loadScript } from "./loadScript.js";

/**
 * Asks the service, by JSONP where a policy of the page stands in the way of fetch, and calls back
 * once, in time: with its reply, or with something else. JSONP comes second because a slow script
 * holds up the page's load event, and an answer that is no script is an error of the page's.
 * @param {string} path @param {URLSearchParams} query @param {(reply: any) => void} done
 */
export const ask = (path, query, done) => {
  const url = endpoint + path + "?" + query;
  const finish = (/** @type {any} */ reply) => {
    safely(() => done(reply || {}));
    done = () => {};
  };
  setTimeout(finish, options.timeout || 1500);
  fetch(url).then(response => response.json().then(finish, finish), () => {
    const name = "rp" + random();
    /** @type {any} */ (window)[name] = finish;
    safely(() => loadScript(url + "&callback=" + name));
  });
};
