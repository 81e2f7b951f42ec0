/** Calls back after each message to Google's data layer: it may hold a consent. */
export const listenForConsent = (/** @type {() => void} */ changed) => {
  const layer = (window.dataLayer = window.dataLayer || []);
  const { push } = layer;
  layer.push = (/** @type {any[]} */ ...items) => {
    const length = push.apply(layer, items);
    if (items[0] && items[0][0] == "consent") changed();
    return length;
  };
};
