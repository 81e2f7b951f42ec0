import { safely } from "../safely.js";
import { tag } from "../tag.js";

/**
 * Runs a script of the service, then calls `done`, also where it couldn't be loaded. Throws where
 * the page's policy refuses it. @param {string} url @param {(event?: any) => void} [done]
 */
export const loadScript = (url, done) => {
  document.documentElement.appendChild(Object.assign(document.createElement("script"), {
    nonce: tag.nonce,
    crossOrigin: "", // a reply without the service's CORS header doesn't run
    onload: done,
    onerror: done,
    src: trusted(url),
  })).remove();
};

/** Pages with Trusted Types take a script's address only from a policy. @param {string} url */
const trusted = url => safely(() => trustedTypes.createPolicy("ringpool", {
  createScriptURL: String,
}).createScriptURL(url)) || url;
