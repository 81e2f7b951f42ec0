import { createApp } from "vue";
import { app, page } from "./vue.js";

const options = { ...OPTIONS, slow: new Promise(done => (window.release = done)) };

window.hydrate = () => page(options).mount("#app");
window.mount = () => createApp(app(options)).mount("#app");
