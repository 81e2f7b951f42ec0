import { options, settings } from "./tag.js";

/**
 * The numbers to look for. `seen_`: it stands on the page. `answer_`: undefined until the service
 * is asked, null until it answers, then the answer, or false where there is none.
 */
export const targets = settings.t.filter(
  ({ t }) => (options.targets || t).includes(t),
);

/** Called once when the next answers have come. @type {(() => void)[]} */
export const waiting = [];

/** @type {State} */
export const state = {
  restoring_: false,
  onNoNumber_() {},
};

/**
 * The answer for a target that stands on the page. While there is none yet, `retry` is called when
 * the next answers come. @param {Target} target @param {() => void} retry
 */
export const answerFor = (target, retry) => {
  target.seen_ = true;
  if (target.answer_ == null) waiting.push(retry);
  return target.answer_;
};
