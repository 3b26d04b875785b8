"""The failure that began it all is explained from the config alone, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content_hsmn_rules.tools import findings, parse, version_of

ORIGINAL = """\
vocab_size: 128000
use_hd_streaming: true
hd_dim: 128
hidden_dim: 64
batch_size: 64
param_budget: 1000000
"""
SECTIONS = """\
model: {hidden_dim: 64}
tokenizer: {vocab_size: 128000}
data: {hd: {enabled: true, hd_dim: 128, label_mode: last_token}}
training: {batch_size: 64}
budget: {param_budget: 1000000}
"""


@pytest.mark.parametrize(
    ("text", "version", "code"), [(ORIGINAL, "flat-v1", "HS102"), (SECTIONS, "1", "HS101")]
)
def test_shapes_and_vocabulary_are_explained(
    text: str, version: str, code: str, tmp_path: Path
) -> None:
    document = parse(text)
    assert version_of(document) == version
    said = {one.code: one for one in findings(document, version, tmp_path)}
    assert said[code].severity == "error"
    assert "(64, 128, 128000)" in said[code].message
    assert "(64,)" in said[code].message
    assert said["HS202"].severity == "error"
    # (500,000 - 128 x 64) // 128
    for number in ("128,000", "1,000,000", "3,842", "8,000"):
        assert number in said["HS202"].message
    assert {"HS203", "HS208"} <= set(said)


def test_the_shapes_are_those_that_the_library_refuses() -> None:
    torch = pytest.importorskip("torch")
    logits = torch.empty((64, 128, 128_000), device="meta")
    labels = torch.empty((64,), dtype=torch.long, device="meta")
    with pytest.raises(RuntimeError, match=r"Expected target size \[64, 128000\], got \[64\]"):
        torch.nn.functional.cross_entropy(logits, labels)


AFTER = """\
schema_version: hsmn/5
model:
  hidden_dim: 64
  num_reasoning_blocks: 6
  num_moe_experts: 4
  context_window: 16
  adapter: {hd_dim: 1024, expand: unbind}
  blocks: {attention: {num_heads: 4, latent_dim: 16}, moe: {inner_dim: 128}}
tokenizer: {active_vocab_size: 1552, max_vocab_size: 1552}
data:
  text: some.txt
  hd: {sample_length: 16, keys: unitary, ctqw_steps: 0}
budget: {param_budget: 1000000, estimator: exact}
"""


def test_what_comes_of_it_is_clean(tmp_path: Path) -> None:
    assert findings(parse(AFTER), "5", tmp_path) == []


def test_one_id_more_is_not(tmp_path: Path) -> None:
    found = findings(parse(AFTER.replace("1552", "1553")), "5", tmp_path)
    assert [one.code for one in found] == ["HS202"]
