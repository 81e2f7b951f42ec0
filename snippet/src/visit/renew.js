import { settle } from "../answers.js";
import { commands } from "../commands.js";
import { safely } from "../safely.js";
import { state, targets } from "../state.js";
import { consented } from "./consent.js";
import { readVisit, visit } from "./known.js";
import { here } from "./memory.js";

/** What a change of makes a visit another, or lets more be stored. */
const now = () => here() + consented();

let last = now();

/**
 * Looks whether an app has changed the address without loading a page, or Google's data layer has
 * brought a consent, or taken it back.
 */
export const renewOnChange = () => last != now() && renew();

/**
 * Asks anew for what holds no longer, with the printed number in its place meanwhile: all numbers
 * when another campaign has brought the visitor, and those whose guarantee is over.
 */
export const renew = () => safely(() => {
  const before = visit;
  last = now();
  readVisit();
  const over = targets.filter(
    ({ answer_ }) => before != visit
      || (answer_ && /** @type {number} */ (answer_.until) < Date.now()),
  );
  for (const target of over) target.seen_ = target.answer_ = undefined;
  if (over[0] && !state.restoring_) {
    commands.restore();
    commands.swap();
  }
  settle([]);
});
