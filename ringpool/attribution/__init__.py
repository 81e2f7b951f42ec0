"""Which click rang the phone: every candidate of a call, with a probability."""
