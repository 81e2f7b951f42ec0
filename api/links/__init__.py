"""For media buyers: the tracking link."""
