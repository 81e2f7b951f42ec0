// `npm run build`: makes dist/dni.js and dist/dni-debug.js, and prints what the first one weighs.
import { readFileSync, writeFileSync } from "node:fs";
import { at, BUDGET, compile, weigh } from "./compile.mjs";

const names = JSON.parse(readFileSync(at("names.json"), "utf8"));
const { script, debug } = await compile(names);
writeFileSync(at("dist/dni.js"), script);
writeFileSync(at("dist/dni-debug.js"), debug);

const weight = weigh(script);
console.log(`dist/dni.js: ${script.length} bytes, ${weight} gzip -9 (budget ${BUDGET})`);
if (weight > BUDGET) {
  console.error("over the budget: make the sources smaller, then try `npm run names`");
  process.exitCode = 1;
}
