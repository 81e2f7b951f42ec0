import { tag } from "../tag.js";

/** Runs a script of the service's; throws where a policy of the page refuses it. @param {string} url */
export const loadScript = url => {
  const script = document.createElement("script");
  script.nonce = tag.nonce;
  script.src = url;
  document.documentElement.appendChild(script).remove();
};
