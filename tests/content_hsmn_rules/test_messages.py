"""Messages say what there is, what there should be and the number that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content_hsmn_rules.tools import FAMILY, findings, parse

WIDE = "model: {hidden_dim: %s, adapter: {hd_dim: %s}}\n"


def _said(text: str, code: str, folder: Path, version: str = "5") -> tuple[str, str]:
    found = [one for one in findings(parse(text), version, folder) if one.code == code]
    assert found, code
    return found[0].message, found[0].help or ""


@pytest.mark.parametrize(
    ("width", "ids", "share"), [(64, 362, 0.5), (64, 362, 0.3), (128, 384, 0.9), (72, 363, 0.0)]
)
def test_the_budget_that_is_named_is_the_least(
    width: int, ids: int, share: float, tmp_path: Path
) -> None:
    """(256 + D + 2) parameters of the head for each id."""
    cost = 256 + width + 2
    offset = ids - 320 if ids > 362 else 32
    text = (
        WIDE % (width, width)
        + f"tokenizer: {{byte_offset: {offset}, base_vocab: {ids}}}\n"
        + f"budget: {{overhead_fraction: {share}, param_budget: %s}}\n"
    )
    _, help = _said(text % 1000, "HS204", tmp_path)
    least = int(help.split(" to ")[1].split()[0])
    assert int(least * (1 - share)) // cost == ids
    assert int((least - 1) * (1 - share)) // cost == ids - 1
    codes = {one.code for one in findings(parse(text % least), "5", tmp_path)}
    assert "HS204" not in codes


def test_a_vocabulary_without_room_names_the_same_budget(tmp_path: Path) -> None:
    text = WIDE % (64, 64) + "tokenizer: {active_vocab_size: 512}\nbudget: {param_budget: 1000}\n"
    _, help = _said(text, "HS202", tmp_path)
    assert help == "raise `budget.param_budget` to 233128 or more"


def test_a_model_above_its_budget_says_which_part_is_large(tmp_path: Path) -> None:
    """461,966 parameters of the facts, 181,311 of them in the head, 256 x 64 + 64 + 16 x 64."""
    text = (
        "model:\n  hidden_dim: 64\n  num_reasoning_blocks: 6\n  num_moe_experts: 4\n"
        "  adapter: {hd_dim: 256}\n  blocks:\n    attention: {num_heads: 4, latent_dim: 16}\n"
        "    wlam: {num_heads: 4}\n    moe: {inner_dim: 128}\n"
        "data: {hd: {sample_length: 16}}\ntokenizer: {active_vocab_size: 512}\n"
        "budget: {param_budget: 461965, estimator: exact}\n"
    )
    message, _ = _said(text, "HS401", tmp_path)
    assert "461,966 parameters by estimator exact (entry 17,472, blocks 263,183," in message
    assert "head 181,311)" in message


@pytest.mark.parametrize(
    ("width", "dim", "help"),
    [
        (64, 1536, "set `model.adapter.hd_dim` to 1024 or 2048"),
        (2048, 3000, "set `model.adapter.hd_dim` to 2048 or 4096"),
        (4096, 3000, "set `model.adapter.hd_dim` to 4096"),
        (96, 960, "hidden_dim 96 divides no power of two near: nothing to do, or another width"),
    ],
)
def test_powers_of_two_that_the_width_divides(
    width: int, dim: int, help: str, tmp_path: Path
) -> None:
    assert _said(WIDE % (width, dim), "HS303", tmp_path)[1] == help


def test_what_is_on_by_default_is_said_to_be(tmp_path: Path) -> None:
    text = "model: {adapter: {hd_dim: 64}, input: {kind: token_ids, dtype: int32}}\n"
    assert "(data.hd.enabled is on by default)" in _said(text, "HS105", tmp_path)[0]
    said = text + "data: {hd: {enabled: true}}\n"
    assert "by default" not in _said(said, "HS105", tmp_path)[0]


@pytest.mark.parametrize("rule", FAMILY.load_rules(), ids=lambda rule: rule.code)
def test_every_message_is_written_for_a_person(rule: object, tmp_path: Path) -> None:
    """No Python in it, and a help that is an instruction or a number."""
    for example in rule.invalid:  # type: ignore[attr-defined]
        version = example.version or FAMILY.head.name
        for one in findings(parse(example.text), version, tmp_path):
            for text in (one.message, one.help or ""):
                for odd in ("None", "<class", "object at", "Traceback", "{}", "[]"):
                    assert odd not in text, (one.code, text)
