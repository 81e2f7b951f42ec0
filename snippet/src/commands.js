import { requestAnswers, settle } from "./answers.js";
import { restorePage, swapPage } from "./page/swapPage.js";
import { answerFor, state, targets } from "./state.js";

/** The commands of a page: `ringpool('swap', node)`. @type {Record<string, Function>} */
export const commands = {
  swap: swapPage,

  restore: restorePage,

  /** Calls back with the answer for a target, or null, whether it stands on the page or not. */
  number(/** @type {string} */ number, /** @type {(answer?: Answer | null) => void} */ callback) {
    const target = targets.find(({ t }) => t == number);
    const answer = () => {
      const found = target ? answerFor(target, answer) : false;
      if (found != null) callback(found || null);
    };
    answer();
    requestAnswers();
  },

  consent(/** @type {boolean} */ value) {
    state.consent_ = value;
    settle([]);
  },

  /** Calls back with each target for which there is no number. */
  onNoNumber(/** @type {(target: string) => void} */ callback) {
    state.onNoNumber_ = callback;
  },

  /** Takes answers that the service hasn't given: the test run's. */
  settle,
};
