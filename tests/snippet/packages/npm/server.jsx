// Prints the page as a server renders it.
import { renderToReadableStream } from "react-dom/server.edge";
import { App, Late } from "./page.jsx";

const stream = await renderToReadableStream(<App Late={Late} />);
await stream.allReady;
console.log(await new Response(stream).text());
