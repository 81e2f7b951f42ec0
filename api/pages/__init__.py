"""For pages: the script, and the numbers that it shows."""
