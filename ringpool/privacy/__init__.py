"""What is known of a caller or a visitor: told, and forgotten."""
