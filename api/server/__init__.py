"""`ringpool serve`: worker processes, and HTTP as they speak it."""
