import { safely } from "../safely.js";
import { targets } from "../state.js";
import { options } from "../tag.js";
import { consented } from "./consent.js";
import { recall, storeName } from "./memory.js";

/** What the numbers of a visit depend on. */
const visit = () => recall().l + options.params;

/** Keeps the answers for the visit's next pages. */
export const keepKnown = () => safely(() => {
  const of = visit();
  if (consented()) {
    sessionStorage[storeName] = JSON.stringify({ [of]: targets.map(({ answer_ }) => answer_) });
  } else delete sessionStorage[storeName];
});

/** Answers of this visit that are still guaranteed. @returns {Answer[]} */
export const known = () => safely(() => {
  const answers = consented() && JSON.parse(sessionStorage[storeName])[visit()];
  return answers.filter((/** @type {any} */ answer) => answer && answer.until > Date.now());
}) || [];
