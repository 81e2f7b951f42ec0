// Runs in every frame ahead of the page, in the page's own world, where a test listens to the
// console: passes on what is written there.
for (const level of ['debug', 'error', 'info', 'log', 'warn']) {
  const real = console[level];
  console[level] = (...words) => {
    const detail = words.map(String).join(' ');
    document.dispatchEvent(new CustomEvent('ringpool-suite-console', {detail}));
    real.apply(console, words);
  };
}
