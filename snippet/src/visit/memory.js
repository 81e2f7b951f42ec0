import { safely } from "../safely.js";
import { account, options, settings } from "../tag.js";
import { consented } from "./consent.js";

/**
 * @typedef {[url: string, referrer: string]} Touch
 * @typedef {{ v?: string | false, f: Touch, l: Touch }} Memory visitor id, first and last touch
 */

export const storeName = "rp_" + account;

/** @type {Memory} */
let memory;

/** Seventeen random digits: a fraction's could be fewer, or end in an exponent. */
export const random = () => 1e16 * (1 + Math.random()) + "";

/** @param {string} name @returns {string | undefined} */
export const cookie = name => safely(() => decodeURIComponent(
  /** @type {string[]} */ (RegExp("\\b" + name + "=([^;]*)").exec(document.cookie))[1],
));

/** The query of a URL. @param {string} url */
export const query = url => new URL(url).searchParams;

/** This page without its fragment, which may hold a secret. */
export const here = () => location.href.split("#")[0];

/** Whether a query parameter tells where a visitor comes from. @param {string} name */
export const telling = name =>
  /clid|braid|utm_/.test(name) || settings.q.includes(name);

/** The first and the last touch, and the visitor's id: stored only with consent. */
export const recall = () => {
  const stored = consented();
  /** @type {Touch} */
  const now = [here(), document.referrer];
  memory = memory
    || (stored && safely(() => JSON.parse(/** @type {string} */ (cookie(storeName)))))
    || { f: now, l: now };
  const { l } = memory;

  if (now[1] != l[1] && now[1] && !now[1].includes("//" + location.host)) memory.l = now;
  query(now[0]).forEach((value, name) => {
    if (query(l[0]).get(name) != value) {
      if (telling(name)) memory.l = now;
      if (/gclid|source|medium/.test(name)) memory.f = now;
    }
  });
  memory.v = stored && (memory.v || random());
  safely(() => {
    document.cookie = storeName + "=" + encodeURIComponent(JSON.stringify(memory))
      + ";path=/;max-age=" + (stored ? options.days * 86400 : 0);
  });
  return memory;
};
