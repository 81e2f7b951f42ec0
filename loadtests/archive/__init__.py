"""The archive under load: how fast it is written, and what is in it after its writer was killed."""
