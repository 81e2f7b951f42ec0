"""The Starlette application: one module per audience."""
