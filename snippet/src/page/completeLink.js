import { endpoint, settings } from "../tag.js";
import { signedParams } from "../visit/signedNumber.js";
import { isSourceParam, queryOf, updateTouches } from "../visit/touches.js";

/**
 * The address of a link with the parameters that it lacks: a tracking link gets what the page knows
 * of the visit, a link to another of the account's domains the signed number in this page's
 * address. False or undefined for all other links, and for those that lack nothing: they stay as
 * they are written. @param {HTMLAnchorElement} link
 */
export const completeLink = ({ href, host }) => {
  const isTrackingLink = ("" + href).startsWith(endpoint + "/t/"); // SVG's hrefs are objects
  if (!isTrackingLink && (host == location.host || !settings.d.includes(host))) return;
  const link = new URL(href);
  const [url, referrer] = updateTouches().l;
  const params = queryOf(url);
  for (const [name, value] of /** @type {string[][]} */ (isTrackingLink
    ? [
      ...[...params].filter(isSourceParam),
      ["path", location.pathname],
      ["referrer", referrer],
      ["keyword", params.get("utm_term")],
    ]
    : signedParams)) {
    if (value && !link.searchParams.has(name)) link.searchParams.append(name, value);
  }
  return link.href != href && link.href;
};
