// Builds dist/dni.js and dist/dni-debug.js, and prints what the first one weighs.
//
// The script is one function called with the account's settings: `(null);` at the end of the file
// is where snippet/bundle.py puts them. Properties that end in an underscore are internal and get
// short names; everything that a page, the service or a stored value sees has none.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const budget = 5120;

// Short names, chosen by trying many to compress well; new ones get what is left. No property may
// have the name of one that travels (see src/types.d.ts) on the same object.
let names = {
  answer_: "i", end_: "r", national_: "c", onNoNumber_: "o", original_: "f", pattern_: "n",
  prefix_: "v", restoring_: "e", rounds_: "a", seen_: "p", start_: "s", target_: "t", text_: "d",
  written_: "l",
};
const identifiers = (
  "e t a s r d c l i v n f o h ee p ae b ve fe X re we ke te I ie me R pe U D u m M y W O G " +
  "K A P T ne Z j V E Y ce N xe ge g _ B F z oe he S H se w ye ue Q J Se C L k le de x q be"
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

const weight = gzipSync(core, { level: 9 }).length;
console.log(`dist/dni.js: ${core.length} bytes, ${weight} gzip -9 (budget ${budget})`);
process.exitCode = weight > budget ? 1 : 0;
