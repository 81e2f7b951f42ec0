import { formsOf } from "./numbers/formsOf.js";
import { option, settings } from "./tag.js";

const named = option("targets")?.split(/[\s,]+/);

/** The numbers to look for. */
export const targets = (settings.targets || []).filter(
  target => !named || named.includes(target.t),
);
export const forms = formsOf(targets);

/**
 * What is known of a target's number: nothing yet, an answer, or null when the printed number
 * stays.
 * @type {Map<string, Answer | null>}
 */
export const answers = new Map();

/** Targets that stand on the page. @type {Set<Target>} */
export const seen = new Set();

/** What waits for an answer. @type {(() => void)[]} */
export const waiting = [];
