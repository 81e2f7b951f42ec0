import { safely } from "../safely.js";

/**
 * Watches shadow roots from the moment they are attached: an element can get one long after it came
 * into the page, and no observer is notified of it.
 * @param {any} view the page's window or a frame's @param {(root: any) => void} watch
 */
export const watchShadows = ({ Element: { prototype } }, watch) => {
  const { attachShadow } = prototype;
  if (attachShadow.ours_) return;
  /** @this {Element} @param {any} init */
  prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    safely(() => watch(this.shadowRoot)); // null where it is closed
    return root;
  };
  prototype.attachShadow.ours_ = true;
};
