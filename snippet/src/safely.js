/**
 * What `work` gives, or undefined where the browser or a policy of the page refuses it.
 * @template T @param {(argument?: any) => T} work @param {any} [argument]
 */
export const safely = (work, argument) => {
  try {
    return work(argument);
  } catch {
    // Whatever happened, the page keeps its own number.
  }
};
