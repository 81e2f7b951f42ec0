import { ask } from "../service/ask.js";
import { options, settings } from "../tag.js";
import { here, query } from "./memory.js";

const given = query(here());

/** What a tracking link put into the page's address: a number, and the proof that it is ours. */
const [number, pool, exp, sig] = ["number", "pool", "exp", "sig"].map(
  name => given.get("rp_" + name) || "",
);
export { pool as signedPool };

const until = +exp * 1e3;

/** What an outgoing link takes along: nothing until it has proved true. */
export let signed = /** @type {string[][]} */ ([]);

/** @param {string} text base64url */
const bytes = text =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), byte => byte.charCodeAt(0));

/**
 * Calls back with the number of a tracking link and its end (ms), or with nothing: only what the
 * account's key has signed is ever shown. Without WebCrypto the service checks it.
 * @param {(number?: string, until?: number) => void} done
 */
export const signedNumber = async done => {
  const { subtle } = crypto;
  const key = options.key || settings.k;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  let valid;
  if (sig && until > Date.now()) {
    try {
      valid = subtle && key
        ? await subtle.verify(
          algorithm,
          await subtle.importKey("raw", bytes(key), algorithm, false, ["verify"]),
          bytes(sig),
          new TextEncoder().encode([number, pool, exp].join("\n")),
        )
        : await new Promise(resolve => ask("/v1/verify", given, reply => resolve(reply.valid === true)));
    } catch {
      // Not valid, then.
    }
  }
  if (valid) {
    signed = [...given].filter(([name]) => /^rp_/.test(name));
    done(number, until);
  } else done();
};
