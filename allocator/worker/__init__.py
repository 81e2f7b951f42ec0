"""What one worker process does for speed: answers from memory, asks put together."""
