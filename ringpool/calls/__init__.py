"""What carriers and call centres tell of calls, and what becomes of it."""
