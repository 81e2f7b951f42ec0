// Builds dist/dni.js and dist/dni-debug.js, and prints what the first one weighs.
//
// The script is one function called with the account's settings: `(null);` at the end of the file
// is where snippet/bundle.py puts them. Properties that end in an underscore are internal and get
// short names; everything that a page, the service or a stored value sees has none.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const budget = 5120;

// Short names, chosen by trying many to compress well; new ones get what is left. No property may
// have the name of one that travels (see src/types.d.ts) on the same object.
let names = {
  answer_: "r", end_: "l", national_: "i", onNoNumber_: "q", original_: "b", pattern_: "v",
  prefix_: "a", restoring_: "e", rounds_: "o", seen_: "m", start_: "n", target_: "d", text_: "s",
  written_: "u",
};
const identifiers = (
  "e t n s d a i l r c w f b x h m ne u q we oe F L De U pe ge me z Ve O ve p g C he I Pe ae K " +
  "v N Y fe Ge D M ke y Ye se j ie X A P R G S V ye te H He le o ce xe je de ot ee _ Z J ea k " +
  "re E ue"
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

// Node's zlib is a changed one, some bytes better or worse than the command's; the tests ask both.
const weight = gzipSync(core, { level: 9 }).length;
console.log(`dist/dni.js: ${core.length} bytes, ${weight} gzip -9 (budget ${budget})`);
process.exitCode = weight > budget ? 1 : 0;
