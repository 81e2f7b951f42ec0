"""For carriers: what they post of calls."""
