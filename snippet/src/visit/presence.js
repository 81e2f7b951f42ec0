import { safely } from "../safely.js";
import { targets } from "../state.js";
import { endpoint } from "../tag.js";
import { visitParams } from "./visitParams.js";

/**
 * Tells the service that the visitor is still there (`/v1/ping`), or leaves (`/v1/release`), if the
 * page shows a number that is held for as long as the visitor stays. @param {string} path
 */
export const reportPresence = path => safely(() => {
  const held = targets.filter(target => target.hold && target.answer_);
  if (held[0]) navigator.sendBeacon(endpoint + path, visitParams(held));
});
