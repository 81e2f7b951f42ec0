// What an app needs of Ringpool: load the script, know its numbers, write them.
export { currentRingpool, loadRingpool } from "./loadRingpool.js";
export { watchNumber } from "./watchNumber.js";
export { writtenNumber } from "./writtenNumber.js";
