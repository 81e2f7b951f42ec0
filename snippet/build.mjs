// Builds dist/dni.js and dist/dni-debug.js, and prints what the first one weighs.
//
// The script is one function called with the account's settings: `(null);` at the end of the file
// is where snippet/bundle.py puts them. Properties that end in an underscore are internal and get
// short names; everything that a page, the service or a stored value sees has none.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const budget = 5120;

// Short names, chosen by trying many to compress well; new ones get what is left. No property may
// have the name of one that travels (see src/types.d.ts) on the same object.
let names = {
  answer_: "r", end_: "b", national_: "n", onNoNumber_: "j", original_: "s", pattern_: "e",
  prefix_: "d", restoring_: "v", rounds_: "i", seen_: "c", start_: "o", target_: "l", text_: "a",
  written_: "u",
};
const identifiers = (
  "e t l a d n o b r c w i s x O E S u j we P N L ce R q h X V ve z ue p g ge Q ot me I Z Y A C " +
  "oe he K U Se te ye ea T be y v m B M ar _ ke ae F ee le G ne xe W f D ie fe se pe J de re H " +
  "k"
).split(" ");
const identifier = { get: (n) => identifiers[n] ?? `_${n}` };

async function script(entry) {
  const bundled = await build({
    entryPoints: [at(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2019",
    minify: true,
    mangleProps: /_$/,
    mangleCache: names, // the report reads what the script calls by its short names
    legalComments: "none",
    charset: "ascii",
  });
  names = bundled.mangleCache;
  const minified = await minify(bundled.outputFiles[0].text, {
    module: true,
    mangle: { nth_identifier: identifier, reserved: ["$"] },
    ecma: 2019,
    compress: {
      lhs_constants: false,
      passes: 3,
      booleans_as_integers: true,
      pure_getters: true,
      unsafe_arrows: true,
      unsafe_methods: true,
    },
    format: { ascii_only: true },
  });
  return minified.code.replace(/;$/, "").replace(/\bSETTINGS\b/, "$");
}

// Whatever happens, the page sees no error.
const core = `(function($){try{${await script("src/index.js")}}catch{}})(null);`;
const debug = `(function(){${await script("src/debug/index.js")}})();`;
writeFileSync(at("dist/dni.js"), core);
writeFileSync(at("dist/dni-debug.js"), debug);

// The command itself: Node's zlib is a changed one, some bytes better or worse.
const weight = execFileSync("gzip", ["-9"], { input: core }).length;
console.log(`dist/dni.js: ${core.length} bytes, ${weight} gzip -9 (budget ${budget})`);
process.exitCode = weight > budget ? 1 : 0;
