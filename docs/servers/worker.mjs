// A CDN worker that writes a visitor's number into pages, in the module form of Cloudflare Workers;
// it needs nothing but fetch, Request and Response. Set RINGPOOL_URL (https://numbers.example) and,
// as a secret, RINGPOOL_KEY: an API key of the account.

// What the pages print, by number.
const PRINTED = { '+18005550100': '(800) 555-0100' };

const PATIENCE_MS = 300;

export default {
  async fetch(request, env) {
    const pending = fetch(request); // the page, from where it is served
    if (request.method !== 'GET' || !/text\/html/.test(request.headers.get('accept') || '')) {
      return pending;
    }
    const [page, swaps] = await Promise.all([pending, numbers(request, env)]);
    if (!swaps.length || !/^text\/html/.test(page.headers.get('content-type') || '')) return page;

    let html = await page.text();
    for (const { target, number, display } of swaps) {
      html = html.replaceAll(PRINTED[target], display).replaceAll(`tel:${target}`, `tel:${number}`);
    }
    const headers = new Headers(page.headers);
    for (const name of ['content-length', 'content-encoding', 'etag']) headers.delete(name);
    headers.set('cache-control', 'private, no-store'); // this page is this visitor's
    return new Response(html, { status: page.status, headers });
  },
};

// What the service answers for this visitor; [] when it doesn't in time, and the page stays as it is.
async function numbers(request, env) {
  const given = {
    url: request.url,
    ref: request.headers.get('referer') || '',
    agent: request.headers.get('user-agent') || '',
    address: request.headers.get('cf-connecting-ip') || '',
    targets: Object.keys(PRINTED).map((target) => `${target}:national`).join(),
  };
  try {
    const answer = await fetch(`${env.RINGPOOL_URL}/v1/swap?${new URLSearchParams(given)}`, {
      headers: { authorization: `Bearer ${env.RINGPOOL_KEY}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return (await answer.json()).swaps;
  } catch {
    return [];
  }
}
