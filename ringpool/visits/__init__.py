"""A visit: where it came from, and the parameter tuple that a pool makes of it."""
