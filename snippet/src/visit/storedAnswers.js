import { safely } from "../safely.js";
import { isHeld, kept, targets } from "../state.js";
import { options, testing } from "../tag.js";
import { consented } from "./consent.js";
import { storeName, updateTouches } from "./touches.js";

/** What the numbers on the page depend on, as last read. @type {string} */
export let visit;

export const readVisit = () => (visit = updateTouches().l + options.params);

/** Keeps the answers for the visit's next pages. */
export const storeAnswers = () => safely(() => {
  if (updateTouches().v) { // there is a visitor id only with consent
    sessionStorage[storeName] = JSON.stringify({
      [visit]: targets.map(({ answer_ }) => answer_),
      kept,
    });
  } else delete sessionStorage[storeName];
});

/**
 * Answers for this visit that are still guaranteed. What the visitor may keep of earlier ones in this
 * tab is noted. @returns {Answer[]}
 */
export const storedAnswers = () => safely(() => {
  const stored = readVisit() && !testing && consented() && JSON.parse(sessionStorage[storeName]);
  Object.assign(kept, stored.kept);
  return stored[visit].filter(isHeld);
}) || [];
