"""The rules of this family, by topic; `rules` has all of them in the order of their codes.

HS1xx bundles, labels and logits, HS2xx the vocabulary and what is generated of it, HS3xx
dimensions and heads, HS4xx budgets, HS5xx the search and who may set what, HS6xx values that
belong together.
"""

from __future__ import annotations

from . import (
    architecture,
    budget,
    dimensions,
    encoding,
    generation,
    modes,
    relations,
    search,
    space,
    tokenizer,
    vocabulary,
)

rules = tuple(
    sorted(
        (
            *modes.rules,
            *encoding.rules,
            *vocabulary.rules,
            *tokenizer.rules,
            *generation.rules,
            *dimensions.rules,
            *architecture.rules,
            *budget.rules,
            *search.rules,
            *space.rules,
            *relations.rules,
        ),
        key=lambda rule: rule.code,
    )
)
