"""The configuration in the store: changed atomically, read as snapshots."""
