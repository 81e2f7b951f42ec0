import { report } from "./report.js";
import { testAnswers } from "./testAnswers.js";

/** @type {Target[]} */
const targets = window.ringpool.running;

document.addEventListener("ringpool:swapped", () => report(targets));

if (/[?&]rp_test=1/.test(location.search)) {
  window.ringpool("settle", testAnswers(targets));
} else report(targets);
