import { hydrate } from "svelte";
import Page from "./Svelte.svelte";

window.hydrate = () => hydrate(Page, { target: document.querySelector("body > div"), recover: true });
