import { stopHiding } from "./page/visibility.js";
import { safely } from "./safely.js";
import { ask } from "./service/ask.js";
import { kept, state, targets } from "./state.js";
import { testing } from "./tag.js";
import { consented } from "./visit/consent.js";
import { readVisit, storeAnswers, visit } from "./visit/storedAnswers.js";
import { visitParams } from "./visit/visitParams.js";

/** Asks the service about the targets on the page that it hasn't been asked about yet. */
export const requestAnswers = () => {
  const wanted = targets.filter(
    target => target.seen_ && target.answer_ === undefined && (!/t/.test(/** @type {any} */ (target.visitor)) || consented()),
  );
  if (wanted[0] && !testing) {
    const askedFor = readVisit();
    const askedAt = Date.now();
    for (const target of wanted) target.answer_ = null;
    ask("/v1/swap", visitParams(wanted)).then(reply => safely(() => {
      if (askedFor != visit) return;
      for (const target of wanted) target.reply_ = reply;
      settle(Object(reply).swaps || [], wanted, askedAt);
    }));
  }
};

/**
 * Takes answers, stores them if the visitor consents, and shows them wherever they are waited for.
 * A target that was asked about and has no answer keeps the printed number.
 * `askedAt` (Unix ms): a number is held from then on, however long the answer was on its way.
 * @param {Answer[]} answers @param {Target[]} [asked] @param {number} [askedAt]
 */
export const settle = (answers, asked = [], askedAt = 0) => {
  /** @type {Record<string, string>} */
  const detail = {};
  for (const target of targets) {
    const { t } = target;
    // A service that isn't ours, or that fails, may answer anything.
    const answer = answers.find(
      ({ target, number }) => target == t && /^\+\d{7,15}(;ext=\d+)?$/.test(number),
    );
    if (answer) {
      target.answer_ = { until: askedAt + /** @type {number} */ (answer.hold_ms), ...answer };
      if (answer.keep) kept[t] = target.answer_;
    } else if (asked.includes(target)) {
      target.answer_ = false;
      safely(state.onNoNumber_, t);
    }
    if (target.answer_) detail[t] = target.answer_.number;
  }
  const { waiting_ } = state;
  state.waiting_ = new Map();
  waiting_.forEach(safely);
  storeAnswers();
  if (answers[0] || asked[0]) stopHiding();
  if (answers[0]) document.dispatchEvent(new CustomEvent("ringpool:swapped", { detail }));
  requestAnswers();
};
