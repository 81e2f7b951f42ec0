// Runs in every frame ahead of the page, in a world of the suite's own: it sees the page's DOM and
// its errors, and the page sees nothing of it.
{
  const send = message =>
    webkit.messageHandlers.suite.postMessage(JSON.stringify(message));

  addEventListener('error', event => {
    // A resource that fails to load fires here too, without a message: that is no script's error.
    if (event.message) send({event: 'pageerror', text: event.message});
  }, true);
  addEventListener('unhandledrejection', event => {
    send({event: 'pageerror', text: 'Unhandled rejection: ' + event.reason});
  });
  document.addEventListener('ringpool-suite-console', event => {
    send({event: 'console', text: event.detail});
  });
  for (const end of ['click', 'keyup']) {
    addEventListener(end, () => send({event: 'input'}), true);
  }
  if (self === top) {
    document.addEventListener('DOMContentLoaded', () => send({event: 'domcontentloaded'}));
  }
}
