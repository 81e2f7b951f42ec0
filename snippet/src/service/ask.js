import { safely } from "../safely.js";
import { endpoint, options } from "../tag.js";
import { random } from "../visit/memory.js";
import { loadScript } from "./loadScript.js";

// An answer that is no script (a proxy's error page, say) is no error of the page's.
addEventListener("error", event => {
  if ((event.filename + "").startsWith(endpoint + "/v1")) event.preventDefault();
});

/**
 * Asks the service by JSONP, or by fetch where a policy of the page stands in the way, and calls
 * back once, in time: with its reply, or with an empty one.
 * @param {string} path @param {URLSearchParams} query @param {(reply: any) => void} done
 */
export const ask = (path, query, done) => {
  const name = "rp" + random();
  const url = endpoint + path + "?" + query;

  const finish = (/** @type {any} */ reply) => {
    safely(() => done(reply || {}));
    done = () => {};
  };
  const fallBack = () => {
    fetch(url).then(response => response.json()).then(finish, finish);
  };

  setTimeout(finish, options.timeout || 1500);
  /** @type {any} */ (window)[name] = finish;
  const script = safely(() => loadScript(url + "&callback=" + name));
  if (script) script.onerror = fallBack;
  else fallBack();
};
