"""Performance figures (``loadtests.bench``) and simulated users (``loadtests.locust.load``)."""
