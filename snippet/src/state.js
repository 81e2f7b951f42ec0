import { options, settings } from "./tag.js";

/**
 * The numbers to look for. `seen_`: it stands on the page. `answer_`: undefined until the service
 * is asked, null until it answers, then the answer, or false where there is none.
 */
export const targets = settings.t.filter(
  ({ t }) => (options.targets || t).includes(t),
);

/** The last answer for each target that the visitor may keep. @type {Record<string, Answer>} */
export const kept = {};

/** Whether an answer's guarantee isn't over. @param {any} answer */
export const isHeld = answer => answer && answer.until > Date.now();

/** @type {State} */
export const state = {
  waiting_: new Map(),
  restoring_: false,
  onNoNumber_() {},
};

/**
 * The answer for a target that stands on the page. While there is none yet, `retry` is called when
 * the next answers come, once for each place. @param {Target} target @param {() => void} retry
 * @param {unknown} place
 */
export const answerFor = (target, retry, place = retry) => {
  target.seen_ = true;
  if (target.answer_ == null) state.waiting_.set(place, retry);
  return target.answer_;
};
