import { reveal } from "./page/look.js";
import { safely } from "./safely.js";
import { ask } from "./service/ask.js";
import { visitParams } from "./service/visitParams.js";
import { state, targets, waiting } from "./state.js";
import { testing } from "./tag.js";
import { consented } from "./visit/consent.js";
import { keepKnown, readVisit, visit } from "./visit/known.js";

/** Asks for the numbers of targets that have turned up on the page. */
export const askForSeen = () => {
  const wanted = targets.filter(
    target => target.seen_ && target.answer_ === undefined && (!target.visitor || consented()),
  );
  if (wanted[0] && !testing) {
    const of = readVisit();
    for (const target of wanted) target.answer_ = null;
    ask("/v1/swap", visitParams(wanted)).then(reply => safely(
      () => of == visit && settle(Object(reply).swaps || [], wanted),
    ));
  }
};

/**
 * Takes answers, stores them if it may, and shows them wherever they are waited for. Targets that
 * were asked for and have none keep the printed number.
 * @param {Answer[]} answers @param {Target[]} [asked]
 */
export const settle = (answers, asked = []) => {
  /** @type {Record<string, string>} */
  const detail = {};
  for (const target of targets) {
    const { t } = target;
    const answer = answers.find(({ target, number }) => target == t && number);
    if (answer) {
      target.answer_ = { until: Date.now() + /** @type {number} */ (answer.hold_ms), ...answer };
    } else if (asked.includes(target)) {
      target.answer_ = false;
      safely(state.onNoNumber_, t);
    }
    if (target.answer_) detail[t] = target.answer_.number;
  }
  waiting.splice(0).forEach(safely);
  keepKnown();
  if (answers[0] || asked[0]) reveal();
  if (answers[0]) document.dispatchEvent(new CustomEvent("ringpool:swapped", { detail }));
  askForSeen();
};
