"""For carriers and call centres: what is told of calls, and what is known of them."""
