// Tells an app the number in place of a printed one, now and whenever it changes.
import { currentRingpool } from "./loadRingpool.js";

/**
 * How often numbers are compared with the script's, in ms: another campaign or the end of a
 * guarantee may take a number back without the script having a new one to announce.
 */
const COMPARE_MS = 1000;

/**
 * @typedef {import("./index.js").Answer} Answer
 * @typedef {{ answer: Answer | null, asked: boolean, callbacks: Set<(answer: Answer | null) => void> }} Watched
 * `asked`: the script will call back.
 */

/** @type {Map<string, Watched>} */
const all = new Map();

/** @type {ReturnType<typeof setInterval> | undefined} */
let comparing;

/**
 * Calls `callback` with the answer for a target as soon as there is one, and with every other one
 * after it: null when the page goes back to the printed number. Returns what ends it. On a server
 * nothing happens.
 * @param {string} target E.164 @param {(answer: Answer | null) => void} callback
 */
export const watchNumber = (target, callback) => {
  if (typeof document == "undefined") return () => {};
  const own = (/** @type {Answer | null} */ answer) => callback(answer); // twice the same is two
  /** @type {Watched} */
  const watched = all.get(target) || { answer: null, asked: false, callbacks: new Set() };
  all.set(target, watched);
  if (comparing === undefined) {
    comparing = setInterval(askAll, COMPARE_MS);
    document.addEventListener("ringpool:swapped", askAll);
  }
  if (watched.answer) own(watched.answer);
  watched.callbacks.add(own);
  ask(target, watched);
  return () => {
    watched.callbacks.delete(own);
    // The script still holds its callback: who watches again waits for the same one.
    for (const { callbacks } of all.values()) if (callbacks.size) return;
    clearInterval(comparing);
    comparing = undefined;
    document.removeEventListener("ringpool:swapped", askAll);
  };
};

const askAll = () => {
  for (const [target, watched] of all) if (watched.callbacks.size) ask(target, watched);
};

/** @param {string} target @param {Watched} watched */
const ask = (target, watched) => {
  const ringpool = currentRingpool();
  if (!ringpool || watched.asked) return;
  watched.asked = true;
  ringpool("number", target, answer => {
    watched.asked = false;
    if (answer?.number == watched.answer?.number) return;
    watched.answer = answer;
    watched.callbacks.forEach(callback => callback(answer));
  });
};
