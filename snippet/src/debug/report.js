/** Writes to the console what became of each target. @param {Target[]} targets */
export const report = targets => {
  console.info("ringpool: %d numbers to look for, %d on this page", targets.length,
    targets.filter(target => target.seen_).length);
  for (const { t, pool, seen_, answer_ } of targets) {
    const outcome = answer_ ? "shows " + answer_.number
      : answer_ === false ? "stays, the service gave none"
        : seen_ && answer_ === null ? "waits for the service"
          : seen_ ? "waits for consent"
            : "isn't on this page";
    console.info("ringpool: %s (pool %s) %s", t, pool, outcome);
  }
};
