// A page whose components show numbers by the hook: the same code on the server and in the browser.
import { Suspense, useState } from "react";
import { useNumber, useRingpool } from "@ringpool/page/react";

const TARGET = "+18005550100";

function Call({ text, href }) {
  return <a id="call" href={href} data-rp-noswap="">{text}</a>;
}

/** `Late` is what the browser loads after the rest. `options`: of the loader. */
export function App({ Late, options }) {
  const ringpool = useRingpool(options);
  const [target, setTarget] = useState(TARGET);
  const phone = useNumber(target, target == TARGET ? { printed: "800-555-0100" } : {});
  const other = useNumber("+18005550199", { printed: "1-800-FLOWERS" });
  return (
    <>
      <input id="field" />
      <button id="other" onClick={() => setTarget("+18005550177")}>other</button>
      <Call {...phone} />
      <i id="state">{phone.answer ? phone.answer.pool : "printed"}</i>
      <b id="runs">{ringpool ? "runs" : "waits"}</b>
      <u id="without">{other.text}</u>
      <Suspense fallback="…"><Late text={phone.text} /></Suspense>
    </>
  );
}

/** What the browser loads after the rest. */
export function Late({ text }) {
  return <p id="late" data-rp-noswap="">Or call {text}</p>;
}
