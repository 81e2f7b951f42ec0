// Compiles the script and its debug part, with given short names.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { gzip } from "pako";
import { minify } from "terser";

/** The path of a file in this folder. */
export const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The most that the script may weigh, in bytes. */
export const BUDGET = 5632;

/**
 * What dni.js weighs under `gzip -9`, in bytes, the file's name included. Node's own zlib is another
 * implementation, which finds other matches: its result differs by up to 30 bytes.
 */
export const weigh = (script) => gzip(script, { level: 9 }).length + "dni.js\0".length;

/**
 * The text of both files. dni.js is one function that is called with the account's settings: the
 * `(null);` at its end is where snippet/bundle.py puts them. Whatever happens inside, the page sees
 * no error.
 *
 * `properties` are the short names of properties whose own names end in an underscore: these are
 * internal, all others are seen by a page, the service or the storage. `identifiers` are the names
 * of variables, separated by spaces, the most used ones first. See names.mjs for both.
 */
export async function compile({ properties, identifiers }) {
  const names = { ...properties };
  const variables = identifiers.split(" ");
  const [parameter, core] = await minified("src/index.js", names, variables);
  // The report reads the script's targets, so both have the same short names for properties.
  const [settings, debug] = await minified("src/debug/index.js", names, variables);
  return {
    script: `(${parameter}=>{try{${core}}catch{}})(null);`,
    debug: `(${settings}=>{${debug}})(ringpool.running.settings);`,
    properties: names,
  };
}

/** The name of the settings and the code of a file with all that it imports. */
async function minified(entry, names, variables) {
  const bundled = await build({
    entryPoints: [at(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2019",
    minify: true,
    mangleProps: /_$/,
    mangleCache: names,
    legalComments: "none",
    charset: "ascii",
  });
  Object.assign(names, bundled.mangleCache);
  // The settings are the parameter of a function, so that no variable gets the same name.
  const whole = `export default SETTINGS => {${bundled.outputFiles[0].text}}`;
  const { code } = await minify(whole, {
    module: true,
    mangle: { nth_identifier: { get: (n) => variables[n] ?? `_${n}` } },
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
  return /^export default ([\w$]+)=>\{(.*)\};$/s.exec(code).slice(1);
}
