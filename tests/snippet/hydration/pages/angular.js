// A page that Angular renders on a server and hydrates; written without decorators, which need a
// compiler of their own.
import "@angular/compiler";
import { Component, provideZonelessChangeDetection, signal } from "@angular/core";
import { provideClientHydration } from "@angular/platform-browser";

class Page {
  count = signal(0);
  phone = "800-555-0100";
  more() {
    this.count.update(n => n + 1);
  }
}

export const Root = Component({
  selector: "app-root",
  template: `<main>
    <p id="plain">Call 800-555-0100 now</p>
    <p id="mixed">Clicked {{ count() }} times, call {{ phone }} now</p>
    <a id="link" href="tel:+18005550100" title="Call 800-555-0100">{{ phone }}</a>
    <input id="field" aria-label="Your name, or call 800-555-0100">
    <button id="more" (click)="more()">more</button>
  </main>`,
})(Page) || Page;

export const config = { providers: [provideZonelessChangeDetection(), provideClientHydration()] };
