import { askOrigin } from "./askOrigin.js";
import { report } from "./report.js";
import { testAnswers } from "./testAnswers.js";

/** @type {{ targets: Target[] }} */
const { targets } = window.ringpool.running;
const testing = /rp_test=1/.test(location.search);

if (testing) {
  window.ringpool("settle", testAnswers(targets));
}
askOrigin();
report(targets, testing);
setInterval(report, 300, targets, testing);
