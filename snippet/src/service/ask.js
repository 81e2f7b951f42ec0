import { account, endpoint, tag } from "../tag.js";

/**
 * Asks the service by JSONP, or by fetch where a policy of the page stands in the way, and calls
 * back once: with its reply, or with null.
 * @param {string} path @param {Record<string, string | undefined>} params
 * @param {(reply: any) => void} done
 */
export const ask = (path, params, done) => {
  const url = endpoint + path + "?" + query(params);
  const name = "rp" + Math.random().toString(36).slice(2);
  /** @param {any} reply */
  const finish = reply => {
    done(reply);
    done = () => {};
  };
  /** @type {any} */ (window)[name] = finish;

  const fallBack = () => {
    fetch(url).then(response => response.json()).then(finish, () => finish(null));
  };
  try {
    const script = document.createElement("script");
    script.src = trusted(url + "&callback=" + name);
    script.nonce = tag?.nonce || "";
    script.onload = () => finish(null);
    script.onerror = fallBack;
    document.documentElement.appendChild(script).remove();
  } catch {
    fallBack();
  }
};

/** @param {Record<string, string | undefined>} params */
export const query = params => {
  const all = new URLSearchParams({ account });
  for (const name in params) if (params[name]) all.set(name, params[name] || "");
  return all.toString();
};

/** @type {any} */
let policy;

/** Pages with Trusted Types take script addresses only from a policy. @param {string} url */
const trusted = url => {
  if (!window.trustedTypes) return url;
  policy = policy || window.trustedTypes.createPolicy("ringpool", {
    /** @param {string} text */
    createScriptURL: text => text,
  });
  return policy.createScriptURL(url);
};
