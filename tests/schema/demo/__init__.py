"""A small family: flat configs, then sections, and the dump of a command line beside them."""

from __future__ import annotations

from cfgmig.schema import (
    Family,
    Has,
    Heading,
    Lacks,
    Matrix,
    Mentions,
    Named,
    Row,
    Says,
    Version,
)

family = Family(
    name="demo",
    title="Demo",
    versions=(
        Version(
            "1.0",
            model=".v1:Config1",
            summary="Flat keys.",
            evidence=(Heading(r"\bV1\.0\b"), Named(r"v1_0"), Mentions("out", r"runs/v1_0")),
        ),
        Version(
            "1.1",
            model=".v1:Config11",
            evidence=(Says("generation", r"1\.1(-\w+)?"), Heading(r"\bV1\.1\b")),
        ),
        Version(
            "2.0",
            model=".v2:Config",
            summary="Sections.",
            evidence=(Has("model.width"), Lacks("width")),
        ),
        Version("cli", model=".v1:Dump", dialect=True, evidence=(Has("learning_rate"),)),
    ),
    matrix=Matrix(
        "Demo",
        (
            Row("Plain", "1.0", "yes", reason="same tensors"),
            Row("Plain", "2.0", "convert", ("frozen weights",), "renamed | moved", "convert"),
            Row("Deep", "1.0", "no", ("frozen weights",), "other shapes"),
        ),
        notes=("Measured.",),
    ),
)
