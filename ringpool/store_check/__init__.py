"""Whether all in a store agrees, in use or not, and how it is mended: ``ringpool check``."""
