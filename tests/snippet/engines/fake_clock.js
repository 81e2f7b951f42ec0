() => {
  // Timers that a test can wind forward. Time goes on by itself too, as it does for a visitor.
  const real = {setTimeout, clearTimeout, now: Date.now, performance: performance.now};
  const timers = new Map();
  let ahead = 0, last = 1e6, driver = 0;
  const now = () => real.now.call(Date) + ahead;

  const run = id => {
    const timer = timers.get(id);
    if (timer.every == null) timers.delete(id);
    else timer.due += Math.max(timer.every, 1);
    timer.run();
  };
  const next = until => {
    let first = null;
    for (const [id, timer] of timers) {
      if (timer.due <= until && (first == null || timer.due < timers.get(first).due)) first = id;
    }
    return first;
  };
  const drive = () => {
    real.clearTimeout.call(window, driver);
    const first = next(Infinity);
    if (first == null) return;
    driver = real.setTimeout.call(window, () => {
      try {
        const due = next(now());
        if (due != null) run(due);
      } finally {
        drive();
      }
    }, Math.max(0, timers.get(first).due - now()));
  };
  const add = (work, delay, words, repeats) => {
    const wait = Math.max(0, +delay || 0);
    timers.set(++last, {due: now() + wait, every: repeats ? wait : null, run: () => work(...words)});
    drive();
    return last;
  };
  const clear = id => {
    if (!timers.delete(id)) real.clearTimeout.call(window, id);
    drive();
  };
  window.setTimeout = (work, delay, ...words) => add(work, delay, words, false);
  window.setInterval = (work, delay, ...words) => add(work, delay, words, true);
  window.clearTimeout = window.clearInterval = clear;
  Date.now = now;
  performance.now = () => real.performance.call(performance) + ahead;
  window.Date = new Proxy(Date, {
    construct: (target, words, of) => Reflect.construct(target, words.length ? words : [now()], of),
    apply: () => new Date().toString(),
  });

  Object.defineProperty(document, Symbol.for('fake clock'), {
    value: async ticks => {
      const end = now() + ticks;
      for (let id; (id = next(end)) != null;) {
        ahead += Math.max(0, timers.get(id).due - now());
        run(id);
        await null;
      }
      ahead += Math.max(0, end - now());
      drive();
    },
  });
}
