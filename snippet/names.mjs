// `npm run names`: looks for short names that compress well, and writes them to names.json.
//
// What a name costs depends on the text around it, so that no alphabetical order is best: names that
// repeat sequences of letters from elsewhere in the code save some 70 of 5,632 bytes. The search is
// simulated annealing: it starts from names.json, exchanges two names or replaces one, and keeps the
// change if the script gets no heavier, or by chance if it gets a little heavier. The build only
// reads the result. Run the search when the sources have changed and the script has become too
// heavy: names that suited the old text suit the new one less.
//
// npm run names [STEPS [SEED]]: how many changes to try (150,000 take some minutes), and which
// random numbers to use. From the same names.json both give the same result.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { at, compile, weigh } from "./compile.mjs";

const STEPS = Number(process.argv[2] ?? 150_000);
const HOTTEST = 2; // bytes that a change may cost at the beginning, and at the end, on average
const COLDEST = 0.12;

const LETTERS = [..."etnsdailrcwfbxhmuoqgpvyjkzETNSDAILRCWFBXHMUOQGPVYJKZ_$"];
const KEYWORDS = ["as", "do", "if", "in", "is", "of"];
const PAIRS = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));
const IDENTIFIERS = [...LETTERS, ...PAIRS.filter((pair) => !KEYWORDS.includes(pair))];

/** Names that other properties of a target have (src/types.d.ts): no property of ours may. */
const TAKEN = ["t", "f"];
const PROPERTIES = LETTERS.filter((letter) => /[a-z]/.test(letter) && !TAKEN.includes(letter));

/** A function that returns numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function randomNumbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomNumbers(Number(process.argv[3] ?? 1));
const below = (limit) => Math.floor(random() * limit);

/**
 * The compiled script as a function of the names: compiled once with placeholders, which are then
 * replaced. `{name: name}` becomes `{name}`, as the compiler would write it.
 */
async function template() {
  const placeholders = Array.from({ length: 500 }, (_, place) => `$i${place}$`);
  const identifiers = placeholders.join(" ");
  const { properties } = await compile({ properties: {}, identifiers });
  const known = Object.keys(properties).sort();
  const { script } = await compile({
    properties: Object.fromEntries(known.map((name, place) => [name, `$p${place}$`])),
    identifiers,
  });
  const parts = script.split(/((?<=[{,])[\w$]+:\$i\d+\$(?=[,}=])|\$[ip]\d+\$)/);
  const pieces = parts.map((part, place) => (place % 2 ? part.split(":") : part));
  const used = 1 + Math.max(...script.match(/\$i\d+/g).map((found) => Number(found.slice(2))));

  const fill = (names) => {
    const named = (piece) => {
      const [, kind, place] = /^\$([ip])(\d+)\$$/.exec(piece) ?? [];
      return kind ? names[kind][place] : piece;
    };
    return pieces
      .map((piece) => {
        if (typeof piece === "string") return piece;
        const [first, second] = piece.map(named);
        return second === undefined || first === second ? first : `${first}:${second}`;
      })
      .join("");
  };
  return { known, used, fill };
}

/** `size` different names: those given, then others. */
function complete(given, all, size) {
  const unique = [...new Set([...given.filter((name) => all.includes(name)), ...all])];
  return unique.slice(0, size);
}

/** Names with one exchange or replacement, as a function that undoes it. */
function change(names, all) {
  const place = below(names.length);
  const before = names[place];
  if (random() < 0.5) {
    const other = below(names.length);
    names[place] = names[other];
    names[other] = before;
    return () => {
      names[other] = names[place];
      names[place] = before;
    };
  }
  // One letter is nearly always better than two.
  const candidates = random() < 0.5 ? LETTERS : all;
  const name = candidates[below(candidates.length)];
  if (all.includes(name) && !names.includes(name)) names[place] = name;
  return () => {
    names[place] = before;
  };
}

const { known, used, fill } = await template();
const file = at("names.json");
const start = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
const names = {
  p: complete(known.map((name) => start.properties?.[name]), PROPERTIES, known.length),
  i: complete(start.identifiers?.split(" ") ?? [], IDENTIFIERS, used),
};
let weight = weigh(fill(names));
let best = { weight, p: [...names.p], i: [...names.i] };
console.log(`${used} identifiers, ${known.length} properties: ${weight} bytes`);

for (let step = 0; step < STEPS; step++) {
  const heat = HOTTEST * (COLDEST / HOTTEST) ** (step / STEPS);
  const undo = random() < 0.1 ? change(names.p, PROPERTIES) : change(names.i, IDENTIFIERS);
  const now = weigh(fill(names));
  if (now > weight && random() > Math.exp((weight - now) / heat)) {
    undo();
    continue;
  }
  weight = now;
  if (weight < best.weight) best = { weight, p: [...names.p], i: [...names.i] };
}

const found = {
  properties: Object.fromEntries(known.map((name, place) => [name, best.p[place]])),
  identifiers: best.i.join(" "),
};
writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
const built = weigh((await compile(found)).script);
console.log(`${best.weight} bytes, as built ${built}; now run the build`);
