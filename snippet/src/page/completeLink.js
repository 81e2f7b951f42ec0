import { endpoint, settings } from "../tag.js";
import { query, recall, telling } from "../visit/memory.js";
import { signed } from "../visit/signedNumber.js";

/**
 * The address of a link with what it lacks, if it is one of ours: a tracking link gets what the
 * page knows, a link to another of the account's domains the signed number of this page's address.
 * False for links that lack nothing: they stay as they are written.
 * @param {HTMLAnchorElement} link
 */
export const completeLink = ({ href, host }) => {
  const ours = ("" + href).startsWith(endpoint + "/t/"); // SVG's are objects
  if (!ours && (host == location.host || !settings.d.includes(host))) return;
  const link = new URL(href);
  const [url, referrer] = recall().l;
  const known = query(url);
  for (const [name, value] of /** @type {string[][]} */ (ours
    ? [
      ...[...known].filter(([name]) => telling(name)),
      ["path", location.pathname],
      ["referrer", referrer],
      ["keyword", known.get("utm_term")],
    ]
    : signed)) {
    if (value && !link.searchParams.has(name)) link.searchParams.append(name, value);
  }
  return link.href != href && link.href;
};
