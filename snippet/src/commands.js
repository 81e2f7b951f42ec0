import { askForSeen, settle } from "./answers.js";
import { watch } from "./page/watch.js";
import { answerFor, state, targets } from "./state.js";
import { tellConsent } from "./visit/consent.js";

/** What a page can tell the script: `ringpool('swap', node)`. @type {Record<string, Function>} */
export const commands = {
  /** Swaps under a node that the page doesn't show yet, or everything again after restore. */
  swap(/** @type {Document} */ node = document) {
    state.restoring_ = false;
    watch(node);
    askForSeen();
  },

  /** Calls back with the answer for a target, or null, whether it stands on the page or not. */
  number(/** @type {string} */ number, /** @type {(answer?: Answer | null) => void} */ callback) {
    const target = targets.find(({ t }) => t == number);
    const again = () => {
      const answer = target ? answerFor(target, again) : false;
      if (answer != null) callback(answer || null);
    };
    again();
    askForSeen();
  },

  consent(/** @type {boolean} */ value) {
    tellConsent(value);
    settle([]);
  },

  /** Puts back every number that the site printed, until the next `swap`. */
  restore() {
    state.restoring_ = true;
    watch(document);
  },

  /** Calls back with each target for which there is no number. */
  onNoNumber(/** @type {(target: string) => void} */ callback) {
    state.onNoNumber_ = callback;
  },

  /** Takes answers that were made elsewhere: the test run's. */
  settle,
};
