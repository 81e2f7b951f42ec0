import { settings } from "../tag.js";

/** A regular expression of the settings, in which `_` is anything that may stand between digits. */
export const spaced = (/** @type {string} */ text) => text.replace(/_/g, settings.s);
