"""What the archive tells of clicks and calls: how many, whose, when, and each call in detail."""
