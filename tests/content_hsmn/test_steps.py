"""What the steps decide: vocabularies, dimensions, labels, and what they leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.errors import LossyError, Refused
from tests.content_hsmn.tools import data, migrate, parse, plan, up


def first(vocabulary: str, budget: str = "1000000", width: int = 64, dim: int = 128) -> str:
    return (
        f"model: {{hidden_dim: {width}}}\ntokenizer: {{vocab_size: {vocabulary}}}\n"
        f"data: {{hd: {{hd_dim: {dim}}}}}\nbudget: {{param_budget: {budget}}}\n"
    )


@pytest.mark.parametrize(
    ("width", "dim", "budget", "wanted"),
    [
        (64, 1536, 250_000_000, 81316),
        (512, 1024, 100_000_000, 48316),
        (64, 192, 250_000_000, 128_000),  # 650,977 above the cap
        (512, 12288, 1_000_000_000, 40178),
        (256, 512, 100_000_000, 97400),
        (64, 128, 1_000_000, 8000),  # 3,842 below the floor
    ],
)
def test_the_budget_gives_the_vocabulary_of_record(
    width: int, dim: int, budget: int, wanted: int
) -> None:
    text = first("null", str(budget), width, dim)
    if dim == 12288:  # no search of version 2 knew it; only the vocabulary is wanted here
        text = text.replace("hd_dim: 12288}", "hd_dim: 12288, enabled: false}")
    tokenizer = up(text, "1", "2")["tokenizer"]
    assert tokenizer == {
        "vocab_size": wanted,
        "max_vocab_size": wanted,
        "derived_from": "budget",
    }


@pytest.mark.parametrize(("said", "wanted"), [("null", 121558), ("16000", 16000)])
def test_null_beside_a_budget_is_computed_at_last(said: str, wanted: int) -> None:
    text = f"model: {{hidden_dim: 512}}\ntokenizer: {{target_vocab_size: {said}}}\n"
    text += "budget: {param_budget: 1000000000}\ndata: {hd: {enabled: false}}\n"
    assert up(text, "4", "5")["tokenizer"]["active_vocab_size"] == wanted


def test_a_plain_table_costs_less() -> None:
    text = first("null", "20000000", 256).replace("}\ntok", ", embedding: {kind: plain}}\ntok")
    assert up(text, "1", "2")["tokenizer"]["vocab_size"] == 39062  # 10,000,000 // 256


@pytest.mark.parametrize(
    ("said", "wanted"),
    [("128000", 8000), ("256000", 8000), ("65536", 8000), ("127999", 127999), ("500", 500)],
)
def test_only_a_number_that_nobody_chose_is_cut(said: str, wanted: int) -> None:
    after = migrate(parse(first(said)), "1", "2", stamp=False)
    assert after.document.data["tokenizer"]["vocab_size"] == wanted
    assert after.document.data["tokenizer"]["max_vocab_size"] == wanted
    told = [note for note in after.notes if "vocab_size` was" in note.message]
    assert bool(told) == (int(said) != wanted)


def test_a_constant_within_the_budget_stays() -> None:
    text = first("65536", "250000000", 64, 192)
    assert up(text, "1", "2")["tokenizer"]["vocab_size"] == 65536


def test_without_a_budget_nothing_is_computed() -> None:
    text = "model: {hidden_dim: 64}\ntokenizer: {vocab_size: 128000}\n"
    assert up(text, "1", "2")["tokenizer"]["vocab_size"] == 128000
    assert "tokenizer" not in up("model: {hidden_dim: 64}\n", "1", "2")


def test_a_request_leaves_it_to_the_search() -> None:
    text = "profile: request\nmodel: {hidden_dim: 64}\nbudget: {param_budget: 1000000000}\n"
    assert "tokenizer" not in up(text, "1", "2")


@pytest.mark.parametrize(
    ("width", "given", "wanted"),
    [(64, 128, 128), (1232, 896, 1232), (96, 1000, 1056), (3000, 4000, 3000), (64, 9000, 8960)],
)
def test_an_hd_dimension_is_a_multiple_of_the_width(width: int, given: int, wanted: int) -> None:
    adapter = up(first("500", width=width, dim=given), "1", "2")["model"]["adapter"]
    assert adapter == {"hd_dim": wanted, "expand": "unbind", "use_bias": True}


def test_a_width_without_a_multiple_is_refused() -> None:
    with pytest.raises(Refused, match="no multiple of the width 5000"):
        up(first("500", width=5000, dim=64), "1", "2")


def test_tokens_get_no_adapter() -> None:
    text = "data: {hd: {enabled: false, hd_dim: 64, label_mode: bundle}}\nmodel: {embedding: {}}\n"
    after = up(text, "1", "2")
    assert after["model"] == {
        "embedding": {},
        "input": {"kind": "token_ids", "dtype": "int32"},
    }
    assert "training" not in after


def test_labels_become_sequences_and_the_corpus_is_told_of() -> None:
    done = migrate(parse("data: {hd: {label_mode: bundle}}\n"), "1", "2")
    assert done.document.data["data"]["hd"]["label_mode"] == "full_sequence"
    assert done.document.data["training"]["loss"]["ignore_index"] == 2
    assert any("encode the corpus again" in note.message for note in done.notes)


@pytest.mark.parametrize(("said", "wanted"), [(1, 1), (2, 2), (12, 2)])
def test_a_scan_has_two_paths_at_most(said: int, wanted: int) -> None:
    text = f"model: {{blocks: {{spatial: {{qmamba_superposition_states: {said}}}}}}}\n"
    assert up(text, "3", "4")["model"]["blocks"]["spatial"] == {"qhd_num_paths": wanted}


@pytest.mark.parametrize(("length", "wanted"), [(128, 128), (512, 512), (32768, 512)])
def test_a_bundle_has_512_tokens_at_most(length: int, wanted: int) -> None:
    after = up(f"model: {{sequence_length: {length}}}\n", "2", "3")
    assert after["data"]["hd"]["sample_length"] == wanted


def test_the_embedding_may_be_preferred_to_the_width() -> None:
    text = "model: {hidden_dim: 512, embedding_dim: 128}\n"
    assert up(text, "4", "5")["model"]["hidden_dim"] == 512
    assert up(text, "4", "5", prefer=("embedding_dim",))["model"]["hidden_dim"] == 128


def test_infinity_in_json_becomes_null_and_comes_back() -> None:
    text = '{\n  "sweep_id": "a",\n  "hidden_dim": 64,\n  "best_guess": Infinity\n}\n'
    done = migrate(parse(text, "a.json"), "flat-v2", "5", stamp=False)
    assert data(done.document)["legacy_extra"] == {"best_guess": None}
    assert any("best_guess` was inf and is null" in note.message for note in done.notes)
    down = migrate(parse(done.document.to_bytes(), "a.json"), "5", "flat-v2", stamp=False)
    assert down.document.text == text


def test_without_a_stash_nothing_is_dropped_in_silence() -> None:
    from cfgmig.migration.run import run

    document = parse("model: {hidden_dim: 512, embedding_dim: 128}\n")
    with pytest.raises(LossyError, match="embedding_dim"):
        run(document, plan("4", "5"), stash=False)


NEW = {
    "5": "model: {hidden_dim: 64, adapter: {hd_dim: 512, expand: cleanup, position: none}}\n"
    "data: {hd: {label_mode: full_sequence, sample_length: 16}, streaming_mode: chunked}\n"
    "tokenizer: {active_vocab_size: 512, total_vocab_size: 4000, max_vocab_size: 400}\n"
    "budget: {vocab_cap: 9000, param_budget: 1000000}\n",
    "4": "model: {context_window: 128, hd_dims: {moe: 64}}\ntokenizer: {target_vocab_size: 9}\n",
    "2": "model: {input: {kind: token_ids, dtype: int32}}\ntokenizer: {derived_from: budget}\n",
}


@pytest.mark.parametrize("version", NEW)
def test_a_new_file_goes_down_to_the_first_version_and_up_again(version: str) -> None:
    before: Any = parse(NEW[version])
    down = migrate(before, version, "1", stamp=False).document
    again = migrate(parse(down.to_bytes()), "1", version, stamp=False).document
    assert _lost(data(before), data(again)) == []


def _lost(said: Any, kept: Any, path: str = "") -> list[str]:
    """What is no longer said; more may be."""
    if not isinstance(said, dict):
        return [] if said == kept else [path]
    below = kept if isinstance(kept, dict) else {}
    return [
        one for key, value in said.items() for one in _lost(value, below.get(key), f"{path}.{key}")
    ]
