import { requestAnswers } from "../answers.js";
import { state } from "../state.js";
import { watch } from "./watch.js";

/** Swaps under a node that the page doesn't show yet, or the whole page again after a restore. */
export const swapPage = (/** @type {Document} */ node = document) => {
  state.restoring_ = false;
  watch(node);
  requestAnswers();
};

/** Puts back every number that the page printed; changes stay unswapped until `swapPage`. */
export const restorePage = () => {
  state.restoring_ = true;
  watch(document);
};
