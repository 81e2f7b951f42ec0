import { commands } from "../commands.js";
import { safely } from "../safely.js";
import { state, targets } from "../state.js";
import { readVisit, visit } from "./known.js";
import { here } from "./memory.js";

let page = here();

/** Looks whether an app has changed the address without loading a page. */
export const renewOnRoute = () => page != here() && renew();

/**
 * Asks anew for what holds no longer, with the printed number in its place meanwhile: all numbers
 * when another campaign has brought the visitor, and those whose guarantee is over.
 */
export const renew = () => safely(() => {
  const before = visit;
  page = here();
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
});
