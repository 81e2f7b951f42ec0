import "@angular/compiler";
import { bootstrapApplication } from "@angular/platform-browser";
import { Root, config } from "./angular.js";

window.hydrate = () => bootstrapApplication(Root, config);
