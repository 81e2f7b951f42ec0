export { default } from "../../Streamed";
