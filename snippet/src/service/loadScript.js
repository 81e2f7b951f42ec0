import { safely } from "../safely.js";
import { tag } from "../tag.js";

/** Runs a script of the service; throws where the page's policy refuses it. @param {string} url */
export const loadScript = url => {
  const script = document.createElement("script");
  script.nonce = tag.nonce;
  script.crossOrigin = ""; // a reply without the service's CORS header doesn't run
  script.src = trusted(url);
  document.documentElement.appendChild(script).remove();
};

/** Pages with Trusted Types take a script's address only from a policy. @param {string} url */
const trusted = url => safely(() => trustedTypes.createPolicy("ringpool", {
  createScriptURL: String,
}).createScriptURL(url)) || url;
