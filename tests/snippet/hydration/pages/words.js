// Something to read: WebKit paints no page that is still coming before it has 200 letters, runs no
// async script before it has painted, and looks at no document before it has 512 bytes.
export const WORDS = "We mend bicycles of every make, old and new, while you wait. ".repeat(8).trim();
