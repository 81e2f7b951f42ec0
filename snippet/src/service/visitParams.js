import { account, options } from "../tag.js";
import { consented } from "../visit/consent.js";
import { cookie, recall } from "../visit/memory.js";

/**
 * What the service hears of the visit with a request about these targets. The tuple is made of the
 * last touch (`url`, `ref`), so that a visitor keeps his numbers on the site's other pages.
 * @param {Target[]} about
 */
export const visitParams = about => {
  const { v, f, l } = recall();
  const query = new URLSearchParams(options.params);
  /** @type {Record<string, any>} */
  const known = {
    account,
    url: l[0],
    ref: l[1],
    first_url: f[0],
    first_ref: f[1],
    targets: about.map(target => target.t),
    visitor: about.some(({ visitor }) => visitor) && v,
  };
  for (const name of (consented() && options.cookies.match(/[^,\s]+/g)) || []) {
    known["cookie." + name] = cookie(name);
  }
  for (const name of Object.keys(known)) if (known[name]) query.set(name, known[name]);
  return query;
};
