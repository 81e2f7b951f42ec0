import { safely } from "../safely.js";
import { tag } from "../tag.js";

/** Runs a script of the service's; throws where a policy of the page refuses it. @param {string} url */
export const loadScript = url => {
  const script = document.createElement("script");
  script.nonce = tag.nonce;
  script.crossOrigin = ""; // what isn't the service's own answer doesn't run
  script.src = trusted(url);
  document.documentElement.appendChild(script).remove();
};

/** Pages with Trusted Types take a script's address only from a policy. @param {string} url */
const trusted = url => safely(() => trustedTypes.createPolicy("ringpool", {
  createScriptURL: (/** @type {string} */ text) => text,
}).createScriptURL(url)) || url;
