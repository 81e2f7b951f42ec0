"""The configuration file: read, checked, compared, written."""
