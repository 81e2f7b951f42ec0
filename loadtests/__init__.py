"""``python -m loadtests.bench`` measures; ``python -m loadtests.load`` behaves as people do."""
