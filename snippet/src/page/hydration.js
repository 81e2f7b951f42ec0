import { safely } from "../safely.js";

/** Apps, documents and shadow roots in which a server left a comment for hydration. */
const marked = new Set();

/** Texts and attributes that would hold a number by now. @type {Set<any>} */
const dehydrated = new Set();

/** The app that an element belongs to, else its document. @param {any} element */
const appOf = element => element.closest("#root,#app,[id^=__]") || element.getRootNode();

/** Notes a comment that React, Vue or Svelte will look for. @param {any} node */
export const noteMark = node => {
  if (node.nodeType == 8 && /^[ $[]\??$/.test(node.data)) marked.add(appOf(node.parentElement));
};

/** Lets the observer see what has been hydrated: ten times a second, or for a tenth of the time. */
export const swapHydrated = () => {
  const start = Date.now();
  for (const node of dehydrated) {
    if (!waits(node)) {
      dehydrated.delete(node);
      node.nodeValue += "";
    }
  }
  setTimeout(swapHydrated, 100 + 9 * (Date.now() - start));
};

/**
 * Whether a text or attribute must stay as it is, because a framework will compare it with what it
 * renders itself. Where the page isn't as expected, nothing waits. @param {any} node
 */
export const waits = node => safely(() => {
  const start = node.ownerElement || node;
  const element = start.parentElement;
  const age = Date.now() - (performance.timing.loadEventEnd || Infinity); // in ms, or minus infinity
  // Whoever sees an island that waits to be seen, sees it hydrated: that has no limit.
  if (age > 5e3 && !element.closest("[client=visible]")) return;
  for (let at = start; at; at = at.parentNode) {
    for (let mark of Object.values(at)) {
      if (!mark) continue;
      if (mark.component) return; // Vue hydrates all at once
      if (mark.stateNode) { // React: a fiber
        // Without a fiber of its own in an element that has children: React comes here later.
        let pending = at != start && (mark.child || !mark.return);
        // Hydrating (4096): compared, but not for good, since React may begin again.
        for (; mark; mark = mark.return) pending |= mark.flags & 4096;
        return pending;
      }
    }
  }
  const app = appOf(element);
  return element.closest("[ssr]") // Astro takes it away
    || (age < 5e3 && !window.__svelte && !window.Astro
      && (marked.has(app) || (age < 0 && app.id)));
}) && dehydrated.add(node);
