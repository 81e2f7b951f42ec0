import type { Answer, Format, LoadOptions, Ringpool } from "./index.js";

/** What to show for a printed number; the printed one itself until the service has answered. */
export interface ShownNumber {
  /** the service's answer, or null for as long as the printed number stays */
  answer: Answer | null;
  /** E.164 */
  number: string;
  /** `tel:` with the number */
  href: string;
  text: string;
}

/** The script's commands once it runs, else null. With options it is loaded, else waited for. */
export function useRingpool(options?: LoadOptions): Ringpool | null;

/** What to show for a printed number (`target`, E.164), written as `printed` is. */
export function useNumber(
  target: string,
  options?: { printed?: string; format?: Format },
): ShownNumber;
