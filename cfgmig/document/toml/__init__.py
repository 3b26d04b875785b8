"""TOML documents: read by spans, edited line by line, verified by tomllib."""
