import { render } from "svelte/server";
import Page from "./Svelte.svelte";

console.log(JSON.stringify([(await render(Page)).body]));
