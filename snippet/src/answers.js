import { reveal } from "./page/look.js";
import { safely } from "./safely.js";
import { ask } from "./service/ask.js";
import { visitParams } from "./service/visitParams.js";
import { state, targets, waiting } from "./state.js";
import { consented } from "./visit/consent.js";
import { keepKnown } from "./visit/known.js";

/** Asks for the numbers of targets that have turned up on the page. */
export const askForSeen = () => {
  const wanted = targets.filter(
    target => target.seen_ && !target.asked_ && (!target.visitor || consented()),
  );
  if (wanted[0]) {
    for (const target of wanted) target.asked_ = true;
    ask("/v1/swap", visitParams(wanted), ({ swaps }) => settle(swaps || [], wanted));
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
      answer.until = answer.until || Date.now() + /** @type {number} */ (answer.hold_ms);
      target.asked_ = true;
      target.answer_ = answer;
    } else if (asked.includes(target)) {
      target.answer_ = null;
      state.onNoNumber_(t);
    }
    if (target.answer_) detail[t] = target.answer_.number;
  }
  waiting.splice(0).forEach(safely);
  keepKnown();
  if (answers[0] || asked[0]) reveal();
  if (answers[0]) document.dispatchEvent(new CustomEvent("ringpool:swapped", { detail }));
  askForSeen();
};
