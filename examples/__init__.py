"""One folder per family: a trainer that shows how the tool is used."""
