"""Dynamic number insertion: the domain (accounts, pools, tuples, numbers) and the command."""

__version__ = "0.1.0"
