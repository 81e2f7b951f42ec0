/**
 * What may stand between the digits of a number: blanks of all widths, soft and zero-width ones,
 * hyphens and dashes, dots and bullets, slashes, brackets, and the invisible marks of
 * right-to-left text.
 */
export const separators = "[\\s\xad\xb7\u200b-\u206f\u2212\uff0d./()[\\]\\-]*";
