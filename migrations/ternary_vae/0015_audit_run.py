"""Changes no key: 5.12.3 is the run that checked the radii of 5.12.2."""

from cfgmig.migration import Convert, Values

revision = "5.12.3"
revises = "5.12.2"

config = [
    Convert("version.model", Values({"5.12.2": "5.12.3"}, others="keep"), optional=True),
]
weights = []
