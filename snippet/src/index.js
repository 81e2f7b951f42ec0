import { onPass, watch } from "./page/watch.js";
import { ask } from "./service/ask.js";
import { answers, seen, targets, waiting } from "./state.js";

/** @type {Set<Target>} */
const asked = new Set();

const askForMissing = () => {
  const wanted = [...seen].filter(target => !asked.has(target) && !answers.has(target.t));
  if (!wanted.length) return;
  wanted.forEach(target => asked.add(target));
  ask("/v1/swap", {
    url: location.href,
    ref: document.referrer,
    targets: wanted.map(target => target.t).join(),
  }, reply => {
    for (const swap of reply?.swaps || []) answers.set(swap.target, swap);
    for (const { t } of wanted) if (!answers.has(t)) answers.set(t, null);
    waiting.splice(0).forEach(again => again());
  });
};

onPass(askForMissing);
if (targets.length) {
  watch(document);
  askForMissing();
}
