// A page that Vue renders on a server and hydrates; `suspended`: once its data is there, as Nuxt
// does.
import { createSSRApp, defineAsyncComponent, h, ref, Suspense } from "vue";

const PHONE = "800-555-0100";

const Slow = { render: () => h("p", { id: "slow" }, ["Later: call ", PHONE]) };

function content({ slow, streamed }) {
  const count = ref(0);
  const Later = defineAsyncComponent(() => slow.then(() => Slow));
  return () => h("main", [
    h("p", { id: "plain" }, "Call 800-555-0100 now"),
    h("p", { id: "mixed" }, `Clicked ${count.value} times, call ${PHONE} now`),
    h("ul", [[1, 2].map(n => h("li", `${n}: ${PHONE}`))]),
    h("a", { id: "link", href: "tel:+18005550100", title: "Call 800-555-0100" }, PHONE),
    h("input", { id: "field", "aria-label": "Your name, or call 800-555-0100" }),
    h("button", { id: "more", onClick: () => count.value++ }, "more"),
    streamed ? h(Later) : null,
  ]);
}

export function app(options) {
  const Page = {
    setup: () => (options.suspended ? options.slow.then(() => content(options)) : content(options)),
  };
  return options.suspended
    ? { render: () => h(Suspense, null, { default: () => h(Page) }) }
    : Page;
}

export const page = options => createSSRApp(app(options));
