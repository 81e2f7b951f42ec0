import "@angular/compiler";
import { bootstrapApplication } from "@angular/platform-browser";
import { provideServerRendering, renderApplication } from "@angular/platform-server";
import { Root, config } from "./angular.js";

const server = { providers: [...config.providers, provideServerRendering()] };
const html = await renderApplication(context => bootstrapApplication(Root, server, context), {
  document: process.argv[3],
  url: "/",
});
console.log(JSON.stringify([html]));
