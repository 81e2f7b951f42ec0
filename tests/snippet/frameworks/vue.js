// The same page as Vue renders it, from a template that Vue compiles in the browser.
import { createApp, ref } from "vue/dist/vue.esm-bundler.js";

window.mount = () => {
  const app = createApp({
    setup() {
      const items = ref(["one", "two", "three"]);
      return {
        count: ref(0),
        open: ref(true),
        phone: ref("800-555-0100"),
        items,
        reverse: () => (items.value = [...items.value].reverse()),
      };
    },
    template: `
      <button id="more" @click="count++">more</button>
      <button id="toggle" @click="open = !open">toggle</button>
      <button id="reverse" @click="reverse">reverse</button>
      <button id="other" @click="phone = '212-555-0199'">other</button>
      <button id="again" @click="phone = '800-555-0100'">again</button>
      <p id="mixed">Clicked {{ count }} times, call {{ phone }} now</p>
      <p id="split">({{ phone.slice(0, 3) }}) {{ phone.slice(4) }}</p>
      <p v-if="open" id="open">
        <a class="call" :href="'tel:' + phone" :title="'Call ' + phone">Tel {{ phone }}</a>
      </p>
      <ul id="items"><li v-for="item in items" :key="item">{{ item }}: {{ phone }}</li></ul>
      <input id="field" :value="phone" readonly>`,
  });
  app.mount("#app");
  window.unmount = () => app.unmount();
};
