import { loadScript } from "../service/loadScript.js";
import { say } from "./say.js";

/** @type {any} */
const { src } = document.currentScript;
const [endpoint, account] = src.split(/\/dni\/.*\?/);

/**
 * Says whether the service would give this page a number, without taking one: a page that may send
 * pings may ask for numbers, and a ping about no target does nothing.
 */
export const askOrigin = () => {
  const url = endpoint + "/v1/ping?targets=%2B0000&account=" + encodeURIComponent(account);
  fetch(url).then(
    response => response.status == 204
      ? say("the service gives numbers to this page")
      : response.json().then(refused),
    () => askByScript(url),
  ).catch(() => say(`what answers at ${endpoint} isn't the service`));
};

/** A refusal can be read as a script alone: another answer lets no foreign page. @param {string} url */
const askByScript = url => new Promise((answer, fail) => {
  const name = "rpDebug";
  /** @type {any} */ (window)[name] = answer;
  loadScript(url + "&callback=" + name, fail);
}).then(refused, () => say(
  `the service can't be reached at ${endpoint}: it is away, or a policy of this page forbids it`,
));

/** @param {any} reply */
const refused = ({ error }) =>
  say(`the service refuses this page: ${error.class}: ${error.message}`);
