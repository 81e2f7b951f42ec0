import { safely } from "../safely.js";

/** Windows' `Element.prototype`s that report to us already. */
const patched = new WeakSet();

/**
 * Watches shadow roots from the moment they are attached: an element can get one long after it came
 * into the page, and no observer is notified of it.
 * @param {any} view the page's window or a frame's @param {(root: any) => void} watch
 */
export const watchShadows = ({ Element: { prototype } }, watch) => {
  const { attachShadow } = prototype;
  if (patched.has(prototype)) return;
  patched.add(prototype);
  prototype.attachShadow = function (/** @type {any} */ init) {
    const root = attachShadow.call(this, init);
    safely(() => watch(this.shadowRoot)); // null where it is closed
    return root;
  };
};
