/** How one number is written; made by ringpool/number_plans.py. */
interface Plan {
  /** country calling code */
  c: string;
  /** national digits */
  n: string;
  /** what may stand before them */
  p: string[];
  /** writings that aren't a prefix and the national digits */
  w?: string[];
}

/** A number to look for, and what is known of the pool that replaces it. */
interface Target {
  /** E.164 */
  t: string;
  f: Plan;
  pool?: string;
  as?: string;
  hold?: number;
  visitor?: boolean;
  call?: boolean;
}

/** What the service puts inside the script, or the tag in data-settings. */
interface Settings {
  account?: string;
  endpoint?: string;
  key?: string;
  targets?: Target[];
  params?: string[];
  domains?: string[];
  defaults?: Record<string, string>;
  version?: string;
}

/** An entry of the service's `swaps`, or one made here; `until`: clock of this device, in ms. */
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

/** A writing of a target: which one, how many digits stand before the national ones. */
interface Form {
  target_: Target;
  /** digits before the national ones; -1: a writing of another kind, replaced as a whole */
  skip_: number;
  /** written with the country code */
  abroad_: boolean;
}

/** A form at a place in a text. */
interface Occurrence extends Form {
  start_: number;
  end_: number;
  text_: string;
  /** where its digits stand, from the beginning of the text; those before skip_ first */
  digits_: number[];
  /** some of its digits are letters */
  vanity_: boolean;
}

declare const SETTINGS: Settings | null;

interface Window {
  ringpool?: any;
  dataLayer?: any[];
  trustedTypes?: any;
}

interface Navigator {
  globalPrivacyControl?: boolean;
}
