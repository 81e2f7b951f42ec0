/**
 * What may stand between the digits of a number: blanks of all widths, soft and zero-width ones,
 * hyphens and dashes, dots and bullets, slashes, brackets, full-width ones too, and the invisible
 * marks of right-to-left text. A comma may where digits are spelled out: `standsAlone` decides.
 */
export const separators =
  "[,\\s\xad\xb7\u200b-\u206f\u2212\uff08-\uff0f./()[\\]\\-]*";
