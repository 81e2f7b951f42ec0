import { settle } from "../answers.js";

/** Google's data layer may bring a consent at any time, or take it back. */
export const listenForConsent = () => {
  const layer = (window.dataLayer = window.dataLayer || []);
  const { push } = layer;
  layer.push = (/** @type {any[]} */ ...items) => {
    const length = push.apply(layer, items);
    if (items[0] && items[0][0] == "consent") settle([]);
    return length;
  };
};
