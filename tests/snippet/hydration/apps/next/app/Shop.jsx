"use client";
// What a visitor uses; it says in the page that it is hydrated.
import { useEffect, useState } from "react";

const PHONE = "800-555-0100";

export default function Shop() {
  const [count, setCount] = useState(0);
  useEffect(() => {
    window.hydrated = true;
  }, []);
  return (
    <section>
      <p id="plain">Call 800-555-0100 now</p>
      <p id="mixed">Clicked {count} times, call {PHONE} now</p>
      <a id="link" href="tel:+18005550100" title="Call 800-555-0100">{PHONE}</a>
      <input id="field" aria-label="Your name, or call 800-555-0100" />
      <button id="more" onClick={() => setCount(count + 1)}>more</button>
    </section>
  );
}
