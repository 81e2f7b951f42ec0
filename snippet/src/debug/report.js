import { outcome } from "./outcome.js";
import { placesLeft } from "./placesLeft.js";
import { say } from "./say.js";

/** What was last said about each target, so that only news is said. @type {Map<any, string>} */
const known = new Map();

/** @param {any} about @param {string} news */
const sayOnce = (about, news) => {
  if (known.get(about) != news) say(news);
  known.set(about, news);
};

/**
 * Writes to the console what became of each target, and later what has changed.
 * @param {Target[]} targets @param {boolean} testing
 */
export const report = (targets, testing) => {
  const seen = targets.filter(target => target.seen_).length;
  sayOnce(0, `${targets.length} numbers to look for, ${seen} on this page`);
  for (const target of targets) {
    const { t, pool, seen_, answer_ } = target;
    const left = seen_ && !answer_ ? [] : placesLeft(target);
    sayOnce(target, [`${t} (pool ${pool}) ${outcome(target, testing)}`, ...left].join("\n  "));
  }
};
