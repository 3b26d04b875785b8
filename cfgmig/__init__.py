"""Versioned config schemas and migrations that keep every untouched byte."""
