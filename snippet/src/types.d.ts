/** How one number is written: what ringpool/numbers/plans.py makes of it. */
interface Plan {
  /** country calling code */
  c: string;
  /** national digits */
  n: string;
  /** what may stand before them */
  p: string[];
  /** all digits that may stand in their place, these first */
  w: string[];
}

/** A number to look for, and what the page knows of the pool that replaces it. */
interface Target {
  /** E.164 */
  t: string;
  f: Plan;
  pool?: string;
  as?: string;
  hold?: number;
  visitor?: boolean;
  call?: boolean;
  seen_?: boolean;
  answer_?: Answer | false | null;
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
  /** query parameters that tell where a visitor comes from */
  q: string[];
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
}

/** What the page has asked of the script. */
interface State {
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
