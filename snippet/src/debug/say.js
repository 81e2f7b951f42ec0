/** Writes a line to the console. @param {string} line */
export const say = line => console.info("ringpool: " + line);
