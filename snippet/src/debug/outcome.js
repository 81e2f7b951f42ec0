/** Why a target keeps the printed number, by the reason that the service gives. */
const reasons = /** @type {Record<string, string>} */ ({
  exhausted: "its pool has no number left, and gives no overflow number",
  store_unavailable: "the service can't reach its store",
  not_a_visitor: "the service takes this browser for a crawler, which gets no number",
  no_rule: "no rule of the account is for this visit",
  budget: "this network has its share of the pool's numbers",
  unknown_value: "a parameter has a value that its pool doesn't know",
  unknown_target: "the account has no pool for it any more",
  unknown_pool: "its pool was deleted just now",
});

/** When each target was first seen to wait, in ms of the page's clock. @type {Map<any, number>} */
const waiting = new Map();

/** What became of a target. @param {Target} target @param {boolean} testing */
export const outcome = (target, testing) => {
  const { seen_, answer_, visitor } = target;
  if (!seen_) return "isn't on this page";
  if (answer_) return shown(/** @type {any} */ (answer_), testing);
  if (answer_ === false) return "stays: " + refusal(target);
  if (answer_ === null) return wait(target);
  return visitor ? "waits for consent: its pool is one number a visitor"
    : "is about to be asked for";
};

/** @param {any} answer @param {boolean} testing */
const shown = ({ number, state }, testing) => "shows " + number + (
  testing ? ", a test number"
    : state == "overflow" ? ", its pool's overflow number: all others are held, the pool is too small"
      : state ? ` (${state})`
        : " (signed in the address, or known from this visit)"
);

/** @param {Target} target */
const wait = target => {
  const now = performance.now();
  waiting.set(target, waiting.get(target) || now);
  const seconds = Math.floor((now - /** @type {number} */ (waiting.get(target))) / 1e3);
  return "waits for the service" + (
    seconds > 1 ? `: no answer for ${seconds} s; one that comes late is shown, too` : ""
  );
};

/** @param {Target} target */
const refusal = ({ t, reply_ }) => {
  const { error, none = [], swaps = [] } = Object(reply_);
  if (error && error.class) return `the service refuses this page: ${error.class}: ${error.message}`;
  const given = [...swaps].find(({ target }) => target == t);
  if (given) return `the service's answer is no number in E.164: ${given.number}`;
  const { reason, message } = [...none].find(({ target }) => target == t) || {};
  if (reason) return message || reasons[reason] || reason;
  return "the service gave no answer that can be read";
};
