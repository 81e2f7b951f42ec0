// What a page's own bundle does: hydrate, and note what React had to mend.
import { startTransition } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { App, Page } from "./react.jsx";

const options = OPTIONS;
let waiting = new Promise(done => {
  window.release = () => {
    waiting = null;
    done();
  };
});
const until = () => {
  if (waiting) throw waiting;
};
const props = {
  wait: options.streamed ? () => {} : null,
  until: options.interrupted ? until : null,
  tag: options.tag,
};

window.hydrate = () => {
  const container = options.document ? document : document.querySelector("#root");
  const element = options.document ? <Page {...props} /> : <App {...props} />;
  const onRecoverableError = error => window.faults.push(`recovered: ${error}`);
  const start = () => hydrateRoot(container, element, { onRecoverableError });
  options.transition ? startTransition(start) : start();
};

window.mount = () => createRoot(document.querySelector("#root")).render(<App {...props} />);
