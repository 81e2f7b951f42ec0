"""How many numbers a pool needs, and what comes of having so many."""
