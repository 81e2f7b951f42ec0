// Renders the page as a stream: the chunks before and after the slow part.
import { renderToPipeableStream } from "react-dom/server";
import { Writable } from "node:stream";
import { App, Page } from "./react.jsx";

const options = JSON.parse(process.argv[2]);
let release;
let ready = false;
const waiting = new Promise(done => (release = done));
const wait = () => {
  if (!ready) throw waiting;
};

const chunks = [""];
const sink = new Writable({
  write(chunk, _encoding, done) {
    chunks[chunks.length - 1] += chunk;
    done();
  },
});
const props = {
  wait: options.streamed ? wait : null,
  until: options.interrupted ? () => {} : null,
  tag: options.tag,
};
const stream = renderToPipeableStream(options.document ? <Page {...props} /> : <App {...props} />, {
  bootstrapScripts: ["BUNDLE_URL"],
  onShellReady() {
    stream.pipe(sink);
    setTimeout(() => {
      if (options.streamed) chunks.push("");
      ready = true;
      release();
    }, 50);
  },
  onError(error) {
    throw error;
  },
});
sink.on("finish", () => console.log(JSON.stringify(chunks)));
