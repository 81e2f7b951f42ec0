"""Real browsers of three engines behind one protocol: Chromium, Firefox and WebKit."""
