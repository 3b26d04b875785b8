"""The text that the example configs train on, and the grammar that wrote it."""
