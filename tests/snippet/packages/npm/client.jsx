// Hydrates the server's page, or renders it anew, when the test says so.
import { lazy } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import * as page from "@ringpool/page";
import { App, Late } from "./page.jsx";

window.page = page;
window.recovered = [];

let loaded;
const rest = new Promise(resolve => { loaded = resolve; });
const later = lazy(() => rest);
const app = () => document.querySelector("#app");

window.hydrate = () => {
  const onRecoverableError = error => window.recovered.push(String(error));
  window.root = hydrateRoot(app(), <App Late={later} />, { onRecoverableError });
};
window.loadRest = () => loaded({ default: Late });
window.mount = options => {
  window.root = createRoot(app());
  window.root.render(<App Late={Late} options={options} />);
};
