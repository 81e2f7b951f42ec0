import { askForSeen, settle } from "./answers.js";
import { commands } from "./commands.js";
import { look, reveal } from "./page/look.js";
import { watch } from "./page/watch.js";
import { watchShadows } from "./page/watchShadows.js";
import { safely } from "./safely.js";
import { beacon } from "./service/beacon.js";
import { loadScript } from "./service/loadScript.js";
import { targets } from "./state.js";
import { endpoint, options, settings, testing } from "./tag.js";
import { known } from "./visit/known.js";
import { renew, renewOnChange } from "./visit/renew.js";
import { signedNumber } from "./visit/signedNumber.js";

const before = window.ringpool || {};

// Another tag on the page may be at work already.
if (!before.running) {
  const ringpool = (/** @type {any} */ name, /** @type {any[]} */ ...rest) =>
    safely(() => commands[name](...rest));
  ringpool.running = targets;
  window.ringpool = ringpool;

  for (const command of before.q || []) ringpool(.../** @type {[any]} */ (command));

  look();
  setTimeout(reveal, options.timeout);
  signedNumber().catch(() => []).then(answers => safely(() => {
    settle([...answers, ...known()]);
    watchShadows();
    watch(document);
    askForSeen();
  }));

  setInterval(renewOnChange, 500);
  setInterval(() => document.hidden || beacon("/v1/ping"), settings.i);
  addEventListener("pageshow", ({ persisted }) => persisted && renew());
  addEventListener("pagehide", () => beacon("/v1/release"));
  if (testing || options.debug != null) {
    loadScript(endpoint + "/dni/" + settings.v + "/dni-debug.js");
  }
}
