"""Changes no key: the files of 5.9.2 only carry other values than those of 5.9.0."""

revision = "5.9.2"
revises = "5.9.0"

config = []
weights = []
