import { safely } from "../safely.js";
import { targets } from "../state.js";
import { options, testing } from "../tag.js";
import { consented } from "./consent.js";
import { recall, storeName } from "./memory.js";

/** What the numbers on the page depend on, when last read. @type {string} */
export let visit;

export const readVisit = () => (visit = recall().l + options.params);

/** Keeps the answers for the visit's next pages. */
export const keepKnown = () => safely(() => {
  if (recall().v) { // the visitor's id is there only with consent
    sessionStorage[storeName] = JSON.stringify({ [visit]: targets.map(({ answer_ }) => answer_) });
  } else delete sessionStorage[storeName];
});

/** Answers of this visit that are still guaranteed. @returns {Answer[]} */
export const known = () => safely(() => {
  const answers = readVisit() && !testing && consented()
    && JSON.parse(sessionStorage[storeName])[visit];
  return answers.filter((/** @type {any} */ answer) => answer && answer.until > Date.now());
}) || [];
