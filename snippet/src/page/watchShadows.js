import { safely } from "../safely.js";
import { watch } from "./watch.js";

/**
 * Watches shadow roots from the moment they are attached: an element can get one long after it came
 * into the page, and no observer is notified of it.
 */
export const watchShadows = () => {
  const { prototype } = Element;
  const { attachShadow } = prototype;
  prototype.attachShadow = function (/** @type {any} */ init) {
    const root = attachShadow.call(this, init);
    safely(() => watch(/** @type {any} */ (this).shadowRoot)); // null where it is closed
    return root;
  };
};
