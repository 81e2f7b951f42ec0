export { default } from "../Whole";
