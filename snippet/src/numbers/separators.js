/**
 * What people put between the digits of a number: blanks of all widths, soft and zero-width ones,
 * hyphens and dashes, dots and bullets, slashes, brackets, and the invisible marks of
 * right-to-left text. The inside of a character class.
 */
export const separators =
  "\\s\xad\xb7\u200b-\u2015\u2022\u2027\u202a-\u202f\u2060-\u2069\u2212\u2219\u22c5\ufe63\uff0d./()[\\]\\-";
