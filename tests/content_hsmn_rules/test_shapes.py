"""Shapes of input, logits and labels, in each mode and each version."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.hsmn.rules.shapes import Shape, shapes, written
from tests.content_hsmn_rules.tools import config

FLAT = {"hd_dim": 128, "vocab_size": 128_000, "batch_size": 64, "hidden_dim": 64}


def _head(**hd: Any) -> dict[str, Any]:
    return {
        "model": {"hidden_dim": 64, "context_window": 32, "adapter": {"hd_dim": 128}},
        "tokenizer": {"active_vocab_size": 512},
        "data": {"hd": {"sample_length": 16, **hd}},
        "training": {"batch_size": 8},
    }


@pytest.mark.parametrize(
    ("data", "version", "logits", "labels"),
    [
        (FLAT, "flat-v1", (64, 128, 128_000), (64,)),
        (FLAT, "flat-v2", (64, 1, 128_000), (64,)),
        (FLAT | {"use_hd_streaming": False}, "flat-v1", (64, "S", 128_000), (64, "S")),
        (FLAT | {"context_window": 4096}, "flat-v6", (64, 4096, 128_000), (64, 4096)),
        (_head(), "5", (8, 16, 512), (8, 16)),
        (_head(label_mode="last_token"), "5", (8, 16, 512), (8,)),
        (_head(label_mode="bundle"), "5", (8, 16, 512), (8, 128)),
        (_head(enabled=False), "5", (8, 32, 512), (8, 32)),
        ({}, "5", ("B", 512, "V"), ("B", 512)),
    ],
)
def test_logits_and_labels(
    data: dict[str, Any], version: str, logits: Shape, labels: Shape
) -> None:
    found = shapes(config(data, version))
    assert found.logits == logits
    assert found.labels == labels
    assert found.agree == (logits[:-1] == labels)


@pytest.mark.parametrize(
    ("enabled", "kind", "dtype", "inputs"),
    [
        (True, "hd_bundle", "float32", (8, 128)),
        (False, "token_ids", "int32", (8, 32)),
    ],
)
def test_what_goes_in(enabled: bool, kind: str, dtype: str, inputs: Shape) -> None:
    found = shapes(config(_head(enabled=enabled)))
    assert (found.kind, found.dtype, found.inputs) == (kind, dtype, inputs)


def test_a_bundle_as_its_own_label_is_no_id() -> None:
    data = _head(label_mode="bundle", sample_length=128)
    found = shapes(config(data))
    assert found.logits[:-1] == found.labels
    assert not found.agree


def test_without_expansion_there_is_one_position() -> None:
    data = _head()
    data["model"]["adapter"]["expand"] = "none"
    assert shapes(config(data)).logits == (8, 1, 512)


def test_shapes_are_written_as_the_libraries_print_them() -> None:
    assert written((64,)) == "(64,)"
    assert written((64, 128, 128_000)) == "(64, 128, 128000)"
