"use client";
// Ringpool in React components: the server and the first render in the browser show what is printed,
// so hydration finds what it expects; numbers come after it.
import { startTransition, useEffect, useMemo, useState } from "react";
import { currentRingpool, loadRingpool } from "./loadRingpool.js";
import { watchNumber } from "./watchNumber.js";
import { writtenNumber } from "./writtenNumber.js";

/** How often a script that the page loads by itself is looked for, in ms. */
const LOOK_MS = 250;

/**
 * The script's commands once it runs, else null. With `options` it is loaded, else waited for.
 * @param {import("./index.js").LoadOptions} [options] those of the first render count
 */
export const useRingpool = options => {
  const [ringpool, setRingpool] = useState(/** @type {any} */ (null));
  const [first] = useState(() => options);
  useEffect(() => {
    let mounted = true;
    const show = () => {
      const current = currentRingpool();
      if (current && mounted) startTransition(() => setRingpool(() => current));
      return current;
    };
    if (first) load(first).then(show);
    const looking = setInterval(() => show() && clearInterval(looking), LOOK_MS);
    if (show()) clearInterval(looking);
    return () => {
      mounted = false;
      clearInterval(looking);
    };
  }, [first]);
  return ringpool;
};

/** A wrong option is told on the console: thrown, it would take the app down. @param {any} options */
const load = async options => {
  try {
    await loadRingpool(options);
  } catch (error) {
    console.error(`ringpool: ${error}`); // an object alone would have no text in Firefox's log
  }
};

/**
 * What to show for a printed number: `text`, `href`, `number` (E.164), and the service's `answer`,
 * null for as long as that is the printed number itself. Put the text into an element with
 * `data-rp-noswap`, which tells the script that React writes there.
 * @param {string} target the printed number, E.164
 * @param {{ printed?: string, format?: import("./index.js").Format }} [options]
 */
export const useNumber = (target, { printed, format } = {}) => {
  const [known, setKnown] = useState(/** @type {any} */ ({}));
  // As a transition: what React is still hydrating is finished first, and not rendered anew.
  useEffect(
    () => watchNumber(target, answer => startTransition(() => setKnown({ target, answer }))),
    [target],
  );
  const answer = known.target == target ? known.answer : null;
  return useMemo(() => {
    const number = answer ? answer.number : target;
    return {
      answer,
      number,
      href: `tel:${number}`,
      text: writtenNumber(answer, target, printed, format),
    };
  }, [answer, target, printed, format]);
};
