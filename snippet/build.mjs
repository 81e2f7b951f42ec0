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

// Short names of properties, chosen to compress well; new ones get what is left. None may be the
// name of a property that travels (see src/types.d.ts) on the same object.
let names = {
  answer_: "d", asked_: "v", end_: "o", national_: "n", onNoNumber_: "g", original_: "e",
  pattern_: "q", prefix_: "l", restoring_: "s", rounds_: "r", seen_: "h", start_: "w",
  target_: "c", text_: "p", written_: "a",
};

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
  const minified = await minify(bundled.outputFiles[0].text.replace(/\bSETTINGS\b/g, "$"), {
    module: true,
    mangle: { reserved: ["$"] },
    ecma: 2019,
    compress: {
      passes: 3,
      booleans_as_integers: true,
      pure_getters: true,
      unsafe_arrows: true,
      unsafe_methods: true,
    },
    format: { ascii_only: true },
  });
  return minified.code.replace(/;$/, "");
}

// Whatever happens, the page sees no error.
const core = `(function($){try{${await script("src/index.js")}}catch{}})(null);`;
const debug = `(function(){${await script("src/debug/index.js")}})();`;
writeFileSync(at("dist/dni.js"), core);
writeFileSync(at("dist/dni-debug.js"), debug);

const weight = gzipSync(core, { level: 9 }).length;
console.log(`dist/dni.js: ${core.length} bytes, ${weight} gzip -9 (budget ${budget})`);
process.exitCode = weight > budget ? 1 : 0;
