/**
 * What `work` returns, or undefined where it throws: the browser or a policy of the page may refuse
 * anything. Nothing that is called through here can break the page.
 * @template T @param {(argument?: any) => T} work @param {any} [argument]
 */
export const safely = (work, argument) => {
  try {
    return work(argument);
  } catch {
    // The page keeps its own number.
  }
};
