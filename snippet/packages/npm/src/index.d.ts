/** A number that the service gave in place of a printed one. */
export interface Answer {
  /** the printed number, E.164 */
  target: string;
  /** the number to show, E.164, perhaps with `;ext=` */
  number: string;
  /** country calling code */
  cc?: string;
  national?: string;
  international?: string;
  /** in the pool's format */
  display?: string;
  pool?: string;
  /** how long it is promised, ms */
  hold_ms?: number;
  /** until when, by this device's clock, Unix ms; null when it was read back from a store */
  until?: number | null;
}

/** How a number is written; `as_found`: as the printed one is. */
export type Format = "as_found" | "national" | "international" | "e164";

/** The page script's commands: `window.ringpool`. */
export interface Ringpool {
  /** Calls back with the answer for a target, or with null when there is none. */
  (command: "number", target: string, callback: (answer: Answer | null) => void): void;
  /** Swaps in a node that isn't on the page yet; without one, swaps again after `restore`. */
  (command: "swap", node?: Node): void;
  /** Puts back every number that the site printed. */
  (command: "restore"): void;
  /** The visitor consents; `false` takes it back. */
  (command: "consent", granted: boolean): void;
  /** Calls back with each target for which there is no number. */
  (command: "onNoNumber", callback: (target: string) => void): void;
}

/** What the script's tag is made of; for the attributes see the manual. */
export interface LoadOptions {
  /** Where the script is: `https://numbers.example/dni.js`, or a path on the own domain. */
  src: string;
  /** The account's id, unless `src` has it. */
  account?: string;
  /** The nonce of the page's Content-Security-Policy. */
  nonce?: string;
  /** How long to wait for the script, in ms; 30,000 by default. */
  patience?: number;
  targets?: string;
  selector?: string;
  format?: Exclude<Format, "as_found">;
  timeout?: number;
  hideUntil?: string;
  show?: string;
  hide?: string;
  invisible?: string;
  clickToCall?: boolean;
  jsonld?: boolean;
  /** Names of further attributes to swap: `data-phone,data-dial`. */
  attributes?: string;
  params?: string;
  cookies?: string;
  consent?: "required";
  days?: number;
  debug?: boolean;
  endpoint?: string;
  settings?: string;
  key?: string;
  /** An attribute that a later version of the script knows. */
  [attribute: string]: string | number | boolean | undefined;
}

/**
 * Loads the script once, or waits for the tag that the page has. Resolves with its commands, or
 * with null on a server and where the script can't be had; never rejects.
 * @throws TypeError that names an option which can't be meant
 */
export function loadRingpool(options: LoadOptions): Promise<Ringpool | null>;

/** The script once it runs, else null. */
export function currentRingpool(): Ringpool | null;

/**
 * Calls back with the answer for a target (E.164) and with every later one; null: the printed
 * number again. Returns what ends it.
 */
export function watchNumber(target: string, callback: (answer: Answer | null) => void): () => void;

/** The text to show for a printed number. Without `format` it is the pool's. */
export function writtenNumber(
  answer: Answer | null | undefined,
  target: string,
  printed?: string,
  format?: Format,
): string;

declare global {
  interface Window {
    /** The script, or what takes commands until it is there. */
    ringpool?: Ringpool;
  }

  interface DocumentEventMap {
    /** Numbers have come: `detail` maps targets to them, both E.164. */
    "ringpool:swapped": CustomEvent<Record<string, string>>;
  }
}
