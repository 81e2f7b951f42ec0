"""Messages to people and programs outside the service."""
