/**
 * The value of `work`, or undefined where the browser or a policy of the page refuses it.
 * @template T @param {() => T} work
 */
export const safely = work => {
  try {
    return work();
  } catch {
    // Whatever happened, the page keeps its own number.
  }
};
