// A page whose last part the server sends when it has got an answer: the test gives it.
import { headers } from "next/headers";
import { Suspense } from "react";
import Late from "./Late";
import Shop from "./Shop";

// WebKit paints nothing of a page that is still coming before it has 200 letters.
const WORDS = "Everything for the house, repaired at your home within two days. ".repeat(4);

async function Slow() {
  const port = (await headers()).get("host").split(":")[1];
  await fetch(`http://127.0.0.1:${port}/later`, { cache: "no-store" });
  return <Late />;
}

export default function Streamed() {
  return (
    <main>
      <p id="server">From the server: 800-555-0100</p>
      <Shop />
      <p>{WORDS}</p>
      <Suspense fallback={<p id="fallback">Loading, or call 800-555-0100</p>}>
        <Slow />
      </Suspense>
    </main>
  );
}
