"""What carriers post of calls: whether it is theirs, and which events it tells. Pure."""
