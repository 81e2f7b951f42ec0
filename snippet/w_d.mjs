import { readFileSync } from "node:fs";
import { at, compile, weigh } from "./compile_d.mjs";
const names = JSON.parse(readFileSync(at("names.json"), "utf8"));
console.log("bytes, " + weigh((await compile(names)).script));
