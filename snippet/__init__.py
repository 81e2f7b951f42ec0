"""The browser script that puts a visitor's number on a page, and what serves it."""
