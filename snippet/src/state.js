import { options, settings } from "./tag.js";

/**
 * The numbers to look for. Of each: `seen_`: it stands on the page; `answer_`: undefined until the
 * service is asked, null until it answers, then the answer, or false: the printed number stays.
 */
export const targets = settings.t.filter(
  ({ t }) => (options.targets || t).includes(t),
);

/** What to do again when answers have come. @type {(() => void)[]} */
export const waiting = [];

export const state = {
  /** Places get back what stood there, until told otherwise. */
  restoring_: false,
  /** Told of each target without a number. @type {(target: string) => void} */
  onNoNumber_() {},
};

/**
 * The answer for a target that stands on the page; nothing yet while it isn't known, in which case
 * `again` is called when it is. @param {Target} target @param {() => void} again
 */
export const answerFor = (target, again) => {
  target.seen_ = true;
  if (target.answer_ == null) waiting.push(again);
  return target.answer_;
};
