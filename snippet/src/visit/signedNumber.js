import { ask } from "../service/ask.js";
import { targets } from "../state.js";
import { account, options, settings } from "../tag.js";
import { pageUrl, queryOf } from "./touches.js";

/** What links to the account's other domains carry on: nothing until the signature is verified. */
export let signedParams = /** @type {string[][]} */ ([]);

/** @param {string} text of characters up to U+00FF */
const bytes = text => Uint8Array.from(text, byte => byte.charCodeAt(0));

/** @param {string} text base64url */
const decoded = text => bytes(atob(text.replace(/-/g, "+").replace(/_/g, "/")));

/**
 * The number that a tracking link put into the page's address, as answers for the targets of its
 * pool, or for all targets if that pool of the account has none. Only what the account's key has
 * signed is ever shown; where there is no WebCrypto the service verifies it. Rejects if a signature
 * can't be decoded. @returns {Promise<Answer[]>}
 */
export const signedNumber = async () => {
  const query = queryOf(pageUrl());
  query.set("account", account);
  const params = ["rp_number", "rp_pool", "rp_exp", "rp_sig"].map(
    name => [name, /** @type {string} */ (query.get(name))],
  );
  const [number, from, exp, sig] = params.map(param => param[1]);
  const until = +exp * 1e3;
  const { subtle } = crypto;
  const key = options.key || settings.k;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  if (sig && until > Date.now() && await (subtle && key
    ? subtle.verify(
      algorithm,
      await subtle.importKey("raw", decoded(key), algorithm, false, ["verify"]),
      decoded(sig),
      bytes([number, from, exp].join("\n")),
    )
    : (await ask("/v1/verify", query, options.timeout)).valid
  )) {
    signedParams = params;
    return targets.filter(({ pool }) => pool.concat(settings.p).includes(from)).map(
      ({ t }) => ({ target: t, number, until }),
    );
  }
  return [];
};
