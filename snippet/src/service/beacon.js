import { safely } from "../safely.js";
import { targets } from "../state.js";
import { endpoint } from "../tag.js";
import { visitParams } from "./visitParams.js";

/**
 * Tells the service of the pools that hold a number as long as the visitor is there.
 * @param {string} path
 */
export const beacon = path => safely(() => {
  const held = targets.filter(target => target.hold && target.answer_);
  if (held[0]) navigator.sendBeacon(endpoint + path, visitParams(held));
});
