import { ask } from "../service/ask.js";
import { targets } from "../state.js";
import { options, settings } from "../tag.js";
import { here, query } from "./memory.js";

/** What an outgoing link takes along: nothing until it has proved true. */
export let signed = /** @type {string[][]} */ ([]);

/** @param {string} text base64url */
const bytes = text =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), byte => byte.charCodeAt(0));

/**
 * The number that a tracking link put into the page's address, as answers for the targets of its
 * pool: only what the account's key has signed is ever shown. Rejects if the proof is garbage.
 * Without WebCrypto the service checks it. @returns {Promise<Answer[]>}
 */
export const signedNumber = async () => {
  const given = query(here());
  const parts = ["rp_number", "rp_pool", "rp_exp", "rp_sig"].map(
    name => [name, /** @type {string} */ (given.get(name))],
  );
  const [number, from, exp, sig] = parts.map(part => part[1]);
  const until = +exp * 1e3;
  const { subtle } = crypto;
  const key = options.key || settings.k;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  if (sig && until > Date.now() && await (subtle && key
    ? subtle.verify(
      algorithm,
      await subtle.importKey("raw", bytes(key), algorithm, false, ["verify"]),
      bytes(sig),
      new TextEncoder().encode([number, from, exp].join("\n")),
    )
    : (await ask("/v1/verify", given)).valid
  )) {
    signed = parts;
    return targets.filter(({ pool }) => pool == from).map(
      ({ t }) => ({ target: t, number, until }),
    );
  }
  return [];
};
