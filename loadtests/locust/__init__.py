"""`make load`: users that behave like people and ad servers."""
