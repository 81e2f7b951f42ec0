"""Who held a number, now or then."""
