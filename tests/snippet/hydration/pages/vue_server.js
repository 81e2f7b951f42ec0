import { renderToString } from "vue/server-renderer";
import { page } from "./vue.js";

const options = JSON.parse(process.argv[2]);
console.log(JSON.stringify([await renderToString(page({ ...options, slow: Promise.resolve() }))]));
