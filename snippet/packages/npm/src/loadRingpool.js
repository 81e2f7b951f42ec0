// Loads the page script, once, and says when it takes commands.

/** How long the script may take to load, in ms, before the page goes on without it. */
const PATIENCE_MS = 30_000;

/** Options that aren't attributes of the tag. */
const OWN = ["src", "account", "nonce", "patience"];

/** @type {Promise<import("./index.js").Ringpool | null> | undefined} */
let loading;

/** The page script once it runs, else null; always null on a server. */
export const currentRingpool = () => {
  const ringpool = typeof window == "undefined" ? undefined : window.ringpool;
  return ringpool && /** @type {any} */ (ringpool).running ? ringpool : null;
};

/**
 * Loads the script, or waits for the tag that the page has already. Resolves with its commands, or
 * with null where there are none: on a server, and when the script is blocked, broken or late. It
 * never rejects, for then the page shows the printed number, as it should. An option that can't be
 * meant throws a TypeError that names it.
 * @param {import("./index.js").LoadOptions} options
 */
export const loadRingpool = options => {
  const attributes = attributesOf(options);
  if (typeof document == "undefined") return Promise.resolve(null);
  const address = addressOf(options);
  loading ??= started(options, address, attributes).then(ringpool => {
    if (!ringpool) loading = undefined; // the next call tries again
    return ringpool;
  });
  return loading;
};

/** The tag's attributes by their names in `dataset`. @param {Record<string, any>} options */
const attributesOf = options => {
  const { src, account } = Object(options);
  if (typeof src != "string" || !src) throw new TypeError("src: the address of dni.js is needed");
  if (!/\/dni\.js(\?|$)/.test("/" + src)) throw new TypeError("src: it must lead to …/dni.js");
  if (account != null && !/^[a-z0-9][a-z0-9-]{0,62}$/.test(account)) {
    throw new TypeError("account: a-z, 0-9 and -, 63 characters at most");
  }
  if (account == null && !/[?&]account=./.test(src)) throw new TypeError("account: it is missing");
  /** @type {Record<string, string>} */
  const attributes = {};
  for (const [name, value] of Object.entries(options)) {
    if (OWN.includes(name) || value === undefined || value === false) continue;
    if (!/^[a-z][A-Za-z]*$/.test(name)) throw new TypeError(`${name}: no attribute is called so`);
    attributes[name] = value === true ? "" : String(value);
  }
  return attributes;
};

/** @param {import("./index.js").LoadOptions} options */
const addressOf = ({ src, account }) => {
  const address = new URL(src, document.baseURI);
  if (!/^https?:$/.test(address.protocol)) throw new TypeError("src: it must begin with https:");
  if (account != null) address.searchParams.set("account", account);
  return address.href;
};

/**
 * @param {import("./index.js").LoadOptions} options @param {string} address
 * @param {Record<string, string>} attributes
 * @returns {Promise<import("./index.js").Ringpool | null>}
 */
const started = ({ nonce, patience = PATIENCE_MS }, address, attributes) => new Promise(resolve => {
  const done = () => resolve(currentRingpool());
  if (currentRingpool()) return done();
  const present = document.querySelector("script[src*='dni.js']:not([data-ringpool-failed])");
  const tag = /** @type {HTMLScriptElement} */ (present || document.createElement("script"));
  tag.addEventListener("load", done);
  tag.addEventListener("error", () => {
    tag.dataset.ringpoolFailed = "";
    done();
  });
  setTimeout(done, patience);
  if (present) return;
  queueCommands();
  tag.async = true;
  if (nonce) tag.nonce = nonce;
  Object.assign(tag.dataset, attributes);
  try {
    tag.src = trusted(address);
    document.head.append(tag);
  } catch {
    done(); // a policy of the page refuses every script
  }
});

/** Takes commands until the script is there: the script carries them out. */
const queueCommands = () => {
  if (window.ringpool) return;
  /** @type {any} */
  const queue = function () {
    queue.q.push(arguments);
  };
  queue.q = [];
  window.ringpool = queue;
};

/**
 * Pages with Trusted Types take a script's address only from a policy. The name isn't the script's
 * own, `ringpool`: a page may allow each name once. @param {string} address @returns {any}
 */
const trusted = address => {
  const { trustedTypes } = /** @type {any} */ (window);
  if (!trustedTypes) return address;
  try {
    return trustedTypes.createPolicy("ringpool-page", {
      createScriptURL: (/** @type {string} */ text) => text,
    }).createScriptURL(address);
  } catch {
    return address;
  }
};
