// node render.mjs '{"framework": "react19", "mode": "production", …}'
//
// Prints what a server sends for a page, and the bundle that hydrates it there, as JSON:
// {"chunks": [html, …], "script": source}. Options: `framework` (react18, react19, vue, svelte,
// angular), `mode` (development, production), `document` (React renders the whole document),
// `streamed` (a part comes in a second chunk; Vue: a component that the browser loads late),
// `suspended` (Vue hydrates when data is there, as Nuxt may), `tag` (React renders the script's tag),
// `transition` (hydrated as Next does), `interrupted` (a part has to be waited for while React
// hydrates), `island` (as Astro makes them).
//
// In what is printed, SCRIPT_URL stands for the script's address and BUNDLE_URL for the bundle's.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { WORDS } from "./pages/words.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const options = JSON.parse(process.argv[2]);
const { framework, mode } = options;
const library = framework.replace(/\d+$/, "");
const react18 = {
  "react": "react18", "react/jsx-runtime": "react18/jsx-runtime",
  "react/jsx-dev-runtime": "react18/jsx-dev-runtime", "react-dom/client": "react-dom18/client",
  "react-dom/server": "react-dom18/server", "react-dom": "react-dom18",
};

/** Compiles components, as the framework's own build does. */
const svelte = generate => ({
  name: "svelte",
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { compile } = await import("svelte/compiler");
      const dev = mode == "development";
      const { js } = compile(readFileSync(path, "utf8"), { filename: path, generate, dev });
      return { contents: js.code };
    });
  },
});

async function bundle(side, more) {
  const result = await build({
    entryPoints: [join(here, "pages", `${library}_${side}.js${library == "react" ? "x" : ""}`)],
    absWorkingDir: here, // aliases are looked up from there
    bundle: true,
    jsx: "automatic",
    jsxDev: mode == "development",
    alias: framework == "react18" ? react18 : {},
    minify: mode == "production",
    charset: "ascii",
    logLevel: "error",
    ignoreAnnotations: library == "angular", // its compiler says that it has no side effects
    define: {
      "process.env.NODE_ENV": JSON.stringify(mode),
      "__VUE_OPTIONS_API__": "true",
      "__VUE_PROD_DEVTOOLS__": "false",
      "__VUE_PROD_HYDRATION_MISMATCH_DETAILS__": "false",
      ...(mode == "production" && library == "angular" ? { ngDevMode: "false" } : {}),
      OPTIONS: JSON.stringify(options),
    },
    ...more,
  });
  return result;
}

const page = body => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>`
  + `<script async src="SCRIPT_URL" data-timeout="20000"></script></head><body>`
  + `<p>${WORDS}</p><p id="outside">Outside: 800-555-0100</p>${body}`
  + (library == "react" ? "" : `<script async src="BUNDLE_URL"></script>`) + "</body></html>";

const container = {
  island: html => `<script>window.Astro = {}</script>`
    + `<astro-island id="island" ssr client="visible"><div id="root">${html}</div></astro-island>`,
  react: html => `<div id="root">${html}</div>`,
  vue: html => `<div id="app">${html}</div>`,
  svelte: html => `<div style="display: contents">${html}</div>`,
};

const folder = mkdtempSync(join(here, "node_modules", ".render-"));
try {
  const outfile = join(folder, "server.mjs");
  await bundle("server", {
    outfile,
    platform: "node",
    format: "esm",
    conditions: mode == "development" ? ["development"] : [],
    plugins: [svelte("server")],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const run = spawnSync(process.execPath, [outfile, JSON.stringify(options), page("<app-root></app-root>")], {
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: mode },
  });
  if (run.status) throw new Error(run.stderr.slice(-2000));
  let chunks = JSON.parse(run.stdout.split("\n").filter(Boolean).pop());
  if (library != "angular" && !options.document) {
    const [before, after] = page(container[options.island ? "island" : library]("\0")).split("\0");
    chunks[0] = before + chunks[0];
    chunks[chunks.length - 1] += after;
  }
  const client = await bundle("client", {
    write: false,
    platform: "browser",
    format: "iife",
    mainFields: ["module", "browser", "main"],
    conditions: ["browser", mode],
    plugins: [svelte("client")],
  });
  console.log(JSON.stringify({ chunks, script: client.outputFiles[0].text }));
} finally {
  rmSync(folder, { recursive: true });
}
