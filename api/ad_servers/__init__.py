"""For ad servers: the number API, one number or many."""
