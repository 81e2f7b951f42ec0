/** How one number is written: what snippet/bundle.py makes of its plan. */
interface Plan {
  /** country calling code */
  c: string;
  /** national digits */
  n: string;
  /** all digits that may stand in their place, these first */
  w: string[];
  /** a regular expression of every writing, in which `_` is what may stand between digits */
  r: string;
}

/** A number to look for, and what the page knows of the pool that replaces it. */
interface Target {
  /** E.164 */
  t: string;
  f: Plan;
  /** the pools that name it */
  pool: string[];
  as?: string;
  hold?: number;
  /** true: all its pools need a visitor id, and so consent; 1: some do */
  visitor?: boolean | 1;
  call?: boolean;
  seen_?: boolean;
  answer_?: Answer | false | null;
  /** what the service last replied about it: anything, where the service can't be reached */
  reply_?: any;
  pattern_?: RegExp | null;
}

/** What the service puts into the script, or the tag into data-settings; see snippet/bundle.py. */
interface Settings {
  /** account */
  a?: string;
  /** endpoint */
  e: string;
  /** public key of tracking links */
  k?: string;
  t: Target[];
  /** a regular expression of the first four digits of any target, written as `Plan.r` is */
  h: string;
  /** what stands for `_` in these, and three digits before letters, as regular expressions */
  s: string;
  m: string;
  /** matches texts after digits that make them part of something else */
  x: string;
  /** a regular expression of the names of nodes that are part of the line that they stand in */
  l: string;
  /** query parameters that tell where a visitor comes from */
  q: string[];
  /** the account's pools without targets that a tracking link may lead from */
  p: string[];
  /** domains that outgoing links may carry a number to */
  d: string[];
  /** defaults of data- attributes, named as in dataset */
  o?: Record<string, string>;
  /** ms between two pings */
  i: number;
  /** version of the built files */
  v?: string;
}

/** An entry of the service's `swaps`, or one made here. `until`: by this device's clock, Unix ms. */
interface Answer {
  target: string;
  number: string;
  cc?: string;
  national?: string;
  international?: string;
  display?: string;
  pool?: string;
  hold_ms?: number;
  until?: number;
  /** proves to a ping what is held; from a sticky pool it brings the same number back */
  keep?: string;
}

/** What the page has asked of the script. */
interface State {
  /** what is called once when the next answers have come, by the place that waits for them */
  waiting_: Map<unknown, () => void>;
  /** between `restore` and `swap`, texts and attributes get back what the page printed */
  restoring_: boolean;
  /** what `ringpool('consent', …)` was last called with */
  consent_?: boolean;
  /** called with each target without a number */
  onNoNumber_: (target: string) => void;
}

/** A target at a place in a text. */
interface Occurrence {
  target_: Target;
  /** what stands there, and between where and where */
  text_: string;
  start_: number;
  end_: number;
  /** what stands before the national digits, and these */
  prefix_: string;
  national_: string;
}

declare const SETTINGS: Settings | null;
declare const trustedTypes: any;

interface Window {
  ringpool?: any;
  /** there where Svelte's components run */
  __svelte?: any;
  /** there where a page has Astro's islands */
  Astro?: any;
  dataLayer?: any;
}

interface Navigator {
  globalPrivacyControl?: boolean;
}
