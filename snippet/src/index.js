import { askForSeen, settle } from "./answers.js";
import { commands } from "./commands.js";
import { look, reveal } from "./page/look.js";
import { watch } from "./page/watch.js";
import { watchShadows } from "./page/watchShadows.js";
import { safely } from "./safely.js";
import { beacon } from "./service/beacon.js";
import { loadScript } from "./service/loadScript.js";
import { targets } from "./state.js";
import { endpoint, options, settings } from "./tag.js";
import { known } from "./visit/known.js";
import { listenForConsent } from "./visit/listenForConsent.js";
import { signedNumber } from "./visit/signedNumber.js";

const before = window.ringpool || {};
const testing = /rp_test=1/.test(location.search);

// Another tag on the page may be at work already.
if (!before.running) {
  const ringpool = (/** @type {any} */ name, /** @type {any[]} */ ...rest) =>
    safely(() => commands[name](...rest));
  ringpool.running = targets;
  window.ringpool = ringpool;

  // In a test run the report makes numbers up, and nobody is asked for one.
  if (testing) for (const target of targets) target.asked_ = true;
  for (const command of before.q || []) ringpool.apply(0, command);

  look();
  setTimeout(reveal, options.timeout || 1500);
  listenForConsent();
  if (!testing) settle(known());
  signedNumber().catch(() => []).then(answers => safely(() => {
    if (answers[0]) settle(answers);
    watchShadows();
    watch(document);
    askForSeen();
  }));

  setInterval(() => document.hidden || beacon("/v1/ping"), settings.i || 3e4);
  addEventListener("pagehide", () => beacon("/v1/release"));
  if (testing || options.debug != null) {
    loadScript(endpoint + "/dni/" + settings.v + "/dni-debug.js");
  }
}
