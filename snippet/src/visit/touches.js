import { randomDigits } from "../randomDigits.js";
import { safely } from "../safely.js";
import { account, options, settings } from "../tag.js";
import { consented } from "./consent.js";

/**
 * @typedef {[url: string, referrer: string]} Touch
 * @typedef {{ v?: string | false, f: Touch, l: Touch }} Touches visitor id, first and last touch
 */

/** The name of the cookie with the touches, and of the entry with the visit's answers. */
export const storeName = "rp_" + account;

/** @type {Touches} */
let touches;

/** @param {string} name @returns {string | undefined} */
export const cookie = name => safely(() => decodeURIComponent(
  /** @type {string[]} */ (RegExp("\\b" + name + "=([^;]*)").exec(document.cookie))[1],
));

/** @param {string} url */
export const queryOf = url => new URL(url).searchParams;

/** This page without its fragment, which may hold a secret. */
export const pageUrl = () => location.href.split("#")[0];

/** Whether a query parameter tells where a visitor comes from. @param {string[]} param */
export const isSourceParam = ([name]) =>
  /clid|braid|utm_/.test(name) || settings.q.includes(name);

/** First and last touch and the visitor's id, with this page counted: stored only with consent. */
export const updateTouches = () => {
  const storing = consented();
  /** @type {Touch} */
  const now = [pageUrl(), document.referrer];
  touches = touches
    || (storing && safely(() => JSON.parse(/** @type {string} */ (cookie(storeName)))))
    || { f: now, l: now };

  if (now[1] != touches.l[1] && now[1] && !now[1].includes("//" + location.host)) touches.l = now;
  queryOf(now[0]).forEach((value, name) => {
    if (queryOf(touches.l[0]).get(name) != value) {
      if (isSourceParam([name])) touches.l = now;
      if (/gclid|source|medium/.test(name)) touches.f = now;
    }
  });
  touches.v = storing && (touches.v || randomDigits());
  safely(() => {
    document.cookie = storeName + "=" + encodeURIComponent(JSON.stringify(touches))
      + (/^https/.test(now[0]) ? ";secure" : "") + ";path=/;samesite=lax;max-age="
      + (storing ? options.days * 86400 : 0);
  });
  return touches;
};
