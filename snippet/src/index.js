import { askAgain, askForSeen, consentChanged, settle } from "./answers.js";
import { commands } from "./commands.js";
import { look, reveal } from "./page/look.js";
import { watch } from "./page/watch.js";
import { safely } from "./safely.js";
import { beacon } from "./service/beacon.js";
import { loadScript } from "./service/loadScript.js";
import { targets } from "./state.js";
import { account, endpoint, options, settings } from "./tag.js";
import { known } from "./visit/known.js";
import { listenForConsent } from "./visit/listenForConsent.js";
import { signedNumber, signedPool } from "./visit/signedNumber.js";

const before = window.ringpool || {};
const running = before.running || {};

safely(() => {
  if (running[account]) return;

  const ringpool = (/** @type {any[]} */ ...command) => {
    if (before.running) before(...command); // another account's script on the same page
    const [name, ...rest] = command;
    if (commands[name]) commands[name](...rest);
  };
  running[account] = targets;
  ringpool.running = running;
  window.ringpool = ringpool;
  for (const command of before.q || []) ringpool(...command);

  look();
  setTimeout(reveal, options.timeout || 1500);
  listenForConsent(consentChanged);
  const testing = /[?&]rp_test=1/.test(location.search);

  // In a test run the report makes numbers up, and nobody is asked for one.
  if (testing) for (const target of targets) target.asked_ = true;
  else settle(known());
  signedNumber((number, until) => {
    if (number) {
      settle(targets.filter(({ pool }) => pool == signedPool).map(
        ({ t }) => ({ target: t, number, until }),
      ));
    }
    watch(document);
    askForSeen();
  });
  if (testing || options.debug != null) {
    loadScript(endpoint + "/dni/" + settings.v + "/dni-debug.js");
  }

  setInterval(() => document.hidden || beacon("/v1/ping"), settings.i || 3e4);
  addEventListener("pagehide", () => beacon("/v1/release"));
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && targets.some(({ answer_ }) => answer_ && /** @type {number} */ (answer_.until) < Date.now())) {
      askAgain();
    }
  });
});
