import { safely } from "../safely.js";
import { watch } from "./watch.js";

/** An element can get its shadow tree long after it came into the page, and no observer hears. */
export const watchShadows = () => {
  const { prototype } = Element;
  const { attachShadow } = prototype;
  prototype.attachShadow = function (/** @type {any} */ init) {
    const root = attachShadow.call(this, init);
    safely(() => watch(/** @type {any} */ (this).shadowRoot)); // null where it is closed
    return root;
  };
};
