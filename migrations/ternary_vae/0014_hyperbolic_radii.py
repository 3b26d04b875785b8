"""Measures radii as hyperbolic distances; older files keep their Euclidean norms, and say so.

0.90 was a norm and would now be a distance, that of the norm 0.422. With
`loss.radius_metric: euclidean` the radii and the targets `r_v9` and `richness` keep their
unit; results are comparable with newer runs only after both are converted.
"""

from cfgmig.migration import Add, Convert, Values

revision = "5.12.2"
revises = "5.12.1"

config = [
    Add("loss.radius_metric", "euclidean"),
    Convert("version.model", Values({"5.12.1": "5.12.2"}, others="keep"), optional=True),
]
weights = []
