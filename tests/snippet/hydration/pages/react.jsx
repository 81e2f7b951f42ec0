// A page that React renders on a server and hydrates: everything the document's body holds.
import { Suspense, useState } from "react";
import { WORDS } from "./words.js";

const PHONE = "800-555-0100";

/** What a server hasn't got yet when it sends the shell. `wait` throws a promise there. */
function Slow({ wait }) {
  wait();
  return <p id="slow">Later: call {PHONE}</p>;
}

/** What isn't there yet when React comes to it; no boundary is around it. */
function Interruption({ until }) {
  until();
  return null;
}

export function App({ wait, until }) {
  const [count, setCount] = useState(0);
  return (
    <main>
      <p id="plain">Call 800-555-0100 now</p>
      <p id="mixed">Clicked {count} times, call {PHONE} now</p>
      <a id="link" href="tel:+18005550100" title="Call 800-555-0100">{PHONE}</a>
      <input id="field" aria-label="Your name, or call 800-555-0100" />
      <button id="more" onClick={() => setCount(count + 1)}>more</button>
      {wait && (
        <Suspense fallback={<p id="fallback">Loading, or call {PHONE}</p>}>
          <Slow wait={wait} />
        </Suspense>
      )}
      {until && <Interruption until={until} />}
    </main>
  );
}

/** A whole document: the tag stands in its head, or is added once React runs, as Next does. */
export function Page({ wait, until, tag }) {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <title>Shop</title>
        {tag && <script async src="SCRIPT_URL" data-timeout="20000" />}
      </head>
      <body>
        <p>{WORDS}</p>
        <App wait={wait} until={until} />
      </body>
    </html>
  );
}
