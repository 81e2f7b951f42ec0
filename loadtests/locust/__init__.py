"""`make load`: locust users that act as visitors, ad servers and call centres."""
