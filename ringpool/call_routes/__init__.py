"""Where a call to a number goes, and from which click it comes."""
