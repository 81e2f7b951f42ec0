export default defineNuxtConfig({
  compatibilityDate: "2026-01-01",
  telemetry: false,
  devtools: { enabled: false },
  app: {
    head: {
      title: "Shop",
      htmlAttrs: { lang: "en" },
      script: [{ src: "/numbers/dni.js?account=shop", async: true, "data-timeout": "20000" }],
    },
  },
});
