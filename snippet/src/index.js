import { requestAnswers, settle } from "./answers.js";
import { commands } from "./commands.js";
import { swapHydrated } from "./page/hydration.js";
import { stopHiding, updateVisibility } from "./page/visibility.js";
import { onPageChange, watch } from "./page/watch.js";
import { renew, renewOnChange } from "./renew.js";
import { safely } from "./safely.js";
import { loadScript } from "./service/loadScript.js";
import { targets } from "./state.js";
import { account, endpoint, options, settings, testing } from "./tag.js";
import { reportPresence } from "./visit/presence.js";
import { signedNumber } from "./visit/signedNumber.js";
import { storedAnswers } from "./visit/storedAnswers.js";

const queue = window.ringpool || {};

// Another tag on the page may have started the script already.
if (!queue.running) {
  const ringpool = (/** @type {any} */ name, /** @type {any[]} */ ...rest) =>
    safely(() => commands[name](...rest));
  ringpool.running = { settings, targets }; // what the report reads
  window.ringpool = ringpool;
  onPageChange(renewOnChange);

  for (const command of queue.q || []) ringpool(.../** @type {[any]} */ (command));

  updateVisibility();
  setTimeout(stopHiding, options.timeout);
  signedNumber().catch(() => []).then(answers => safely(() => {
    settle([...answers, ...storedAnswers()]);
    watch(document);
    requestAnswers();
  }));

  setInterval(renewOnChange, 500);
  swapHydrated();
  setInterval(() => document.hidden || reportPresence("/v1/ping"), settings.i);
  addEventListener("pageshow", ({ persisted }) => persisted && renew());
  addEventListener("pagehide", () => reportPresence("/v1/release"));
  if (testing || options.debug != null) {
    loadScript(endpoint + "/dni/" + settings.v + "/dni-debug.js?" + account);
  }
}
