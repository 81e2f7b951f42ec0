"""The demo's accounts, pools and stock."""
