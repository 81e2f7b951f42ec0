import { settle } from "./answers.js";
import { restorePage, swapPage } from "./page/swapPage.js";
import { safely } from "./safely.js";
import { state, targets } from "./state.js";
import { consented } from "./visit/consent.js";
import { readVisit, visit } from "./visit/storedAnswers.js";
import { pageUrl } from "./visit/touches.js";

/** Address and consent: with another address it may be another visit, with consent more is kept. */
const conditions = () => pageUrl() + consented();

let last = conditions();

/**
 * Renews when an app has changed the address without loading a page, or when Google's data layer
 * has brought consent or taken it back.
 */
export const renewOnChange = () => last != conditions() && renew();

/**
 * Asks again for the numbers that no longer hold: all of them when another campaign has brought the
 * visitor, otherwise those whose guarantee is over. Until the answer the printed number is shown.
 */
export const renew = () => safely(() => {
  const before = visit;
  last = conditions();
  readVisit();
  const outdated = targets.filter(
    ({ answer_ }) => before != visit
      || (answer_ && /** @type {number} */ (answer_.until) < Date.now()),
  );
  for (const target of outdated) target.seen_ = target.answer_ = undefined;
  if (outdated[0] && !state.restoring_) {
    restorePage();
    swapPage();
  }
  settle([]);
});
