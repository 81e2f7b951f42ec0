/** What a pattern finds in a text, or "". @param {RegExp} pattern @param {string} text */
export const grab = (pattern, text) => (pattern.exec(text) || [""])[0];
