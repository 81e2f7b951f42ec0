"""Real processes under load while one of them is killed, frozen or cut off, and a ledger of it."""
