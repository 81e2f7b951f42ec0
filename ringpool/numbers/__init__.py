"""Phone numbers: parsed, formatted, described."""
