"""What `make bench` measures, a section a file."""
