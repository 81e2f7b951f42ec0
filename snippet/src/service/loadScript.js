import { safely } from "../safely.js";
import { tag } from "../tag.js";

/**
 * Runs a script of the service, then calls `done`, also where it couldn't be loaded. Throws where
 * the page's policy refuses it. @param {string} url @param {(event?: any) => void} [done]
 */
export const loadScript = (url, done) => {
  const script = document.createElement("script");
  script.nonce = tag.nonce;
  script.crossOrigin = ""; // a reply without the service's CORS header doesn't run
  script.onload = script.onerror = /** @type {any} */ (done);
  script.src = trusted(url);
  document.documentElement.appendChild(script).remove();
};

/** Pages with Trusted Types take a script's address only from a policy. @param {string} url */
const trusted = url => safely(() => trustedTypes.createPolicy("ringpool", {
  createScriptURL: (/** @type {string} */ text) => text,
}).createScriptURL(url)) || url;
