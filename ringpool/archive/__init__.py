"""The history that outlives the store: assignments that ended, overflows and calls."""
