"""`make fuzz`: hostile input to a running service, and the abuses that it must stand."""
