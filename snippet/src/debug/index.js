/** What a test or debug run prints. */
export {};
