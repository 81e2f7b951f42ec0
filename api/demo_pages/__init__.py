"""The demo's landing pages, mounted by `serve --demo` alone."""
