/** Seventeen random digits: those of a fraction could be fewer, or end in an exponent. */
export const randomDigits = () => 1e16 * (1 + Math.random()) + "";
