// What an app written in TypeScript does with the package: compiled, never run.
import { currentRingpool, loadRingpool, watchNumber, writtenNumber } from "@ringpool/page";
import type { Answer as PackageAnswer, Format, Ringpool } from "@ringpool/page";
import { useNumber, useRingpool } from "@ringpool/page/react";

async function load(): Promise<void> {
  const ringpool = await loadRingpool({ src: "/dni.js", account: "acme", clickToCall: true });
  ringpool?.("number", "+18005550100", answer => answer?.national?.toUpperCase());
  // @ts-expect-error null must be thought of
  ringpool("restore");
  // @ts-expect-error there is no such command
  ringpool?.("settle", []);
  // @ts-expect-error where the script is must be told
  loadRingpool({ account: "acme" });
  // @ts-expect-error no such format
  loadRingpool({ src: "/dni.js", format: "local" });
}

window.ringpool?.("consent", true);
document.addEventListener("ringpool:swapped", event => event.detail["+18005550100"]?.length);
const stop: () => void = watchNumber("+18005550100", answer => {
  const text: string = writtenNumber(answer, "+18005550100", "800-555-0100", "national");
  void text;
});
const current: Ringpool | null = currentRingpool();
const formats: Format[] = ["as_found", "national", "international", "e164"];
const href: string = useNumber("+18005550100", { printed: "800-555-0100" }).href;
const running: Ringpool | null = useRingpool();
void [load, stop, current, formats, href, running];

// The script's own types (snippet/src/types.d.ts, copied beside this file) fit.
declare const ofScript: Answer;
const ofPackage: PackageAnswer = ofScript;
const keys: Exclude<keyof Answer, keyof PackageAnswer> = undefined as never;
void [ofPackage, keys];
