import { look } from "./page/look.js";
import { watch } from "./page/watch.js";
import { ask } from "./service/ask.js";
import { visitParams } from "./service/visitParams.js";
import { state, targets, waiting } from "./state.js";
import { consented } from "./visit/consent.js";
import { keepKnown } from "./visit/known.js";
import { recall } from "./visit/memory.js";

/** @type {string} */
let page;
/** @type {unknown} */
let touch;

/** Asks for the numbers of targets that have turned up on the page. */
export const askForSeen = () => {
  // A route change doesn't load a page; where it tells another origin, other numbers are due.
  if (page != location.href) {
    page = location.href;
    const { l } = recall();
    if (touch && touch != l) for (const target of targets) target.asked_ = false;
    touch = l;
  }
  const wanted = targets.filter(
    target => target.seen_ && !target.asked_ && (!target.visitor || consented()),
  );
  if (wanted[0]) {
    for (const target of wanted) target.asked_ = true;
    ask("/v1/swap", visitParams(wanted), ({ swaps }) => settle(swaps || [], wanted));
  }
};

/** Asks again, and keeps what is shown until the answer is here. */
export const askAgain = () => {
  for (const target of targets) target.asked_ = false;
  askForSeen();
};

/** Stores or forgets, and asks for what had to wait for consent. */
export const consentChanged = () => {
  keepKnown();
  askForSeen();
};

/**
 * Takes answers, and shows them wherever they are waited for. Targets that were asked for and have
 * none keep the printed number, or one that was promised before.
 * @param {Answer[]} answers @param {Target[]} [asked]
 */
export const settle = (answers, asked = []) => {
  /** @type {Record<string, string>} */
  const detail = {};
  let stale;
  for (const target of targets) {
    const { t, answer_ } = target;
    const answer = answers.find(({ target }) => target == t);
    if (answer) {
      answer.until = answer.until || Date.now() + /** @type {number} */ (answer.hold_ms);
      stale = stale || (answer_ && answer_.number != answer.number);
      target.asked_ = true;
      target.answer_ = answer;
    } else if (asked.includes(target)) {
      target.answer_ = answer_ || null;
      if (!answer_) state.onNoNumber_(t);
    }
    if (target.answer_) detail[t] = target.answer_.number;
  }
  if (stale) {
    state.restoring_ = true;
    watch(document);
    state.restoring_ = false;
    watch(document);
  }
  for (const again of waiting.splice(0)) again();
  keepKnown();
  look();
  document.dispatchEvent(new CustomEvent("ringpool:swapped", { detail }));
};
