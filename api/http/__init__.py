"""What every endpoint needs: reading a request, writing a reply, what surrounds both."""
