"""What happens without a request: due guarantees, drained numbers, unfinished changes."""
