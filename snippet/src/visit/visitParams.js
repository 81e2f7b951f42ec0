import { isHeld, kept } from "../state.js";
import { account, options } from "../tag.js";
import { consented } from "./consent.js";
import { cookie, updateTouches } from "./touches.js";

/**
 * What a request about these targets carries of the visit. The tuple is made of the last touch
 * (`url`, `ref`), so that a visitor keeps the same numbers on the site's other pages.
 * @param {Target[]} about
 */
export const visitParams = about => {
  const { v, f, l } = updateTouches();
  const query = new URLSearchParams(options.params);
  /** @type {Record<string, any>} */
  const params = {
    account,
    url: l[0],
    ref: l[1],
    first_url: f[0],
    first_ref: f[1],
    targets: about.map(target => target.t),
    // A ping, which is about what is shown, also brings what has been held by pings since.
    held: Object.values(kept).filter(answer => about[0].answer_ || isHeld(answer)).map(
      ({ keep }) => keep,
    ).join(),
    visitor: about.some(target => target.visitor) && v,
  };
  for (const name of options.cookies.match(/[^,\s]+/g) || []) {
    params["cookie." + name] = consented() && cookie(name);
  }
  for (const [name, value] of Object.entries(params)) if (value) query.set(name, value);
  return query;
};
