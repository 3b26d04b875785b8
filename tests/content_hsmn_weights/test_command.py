"""Converting, verifying and inspecting these checkpoints from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfgmig.converting import Request, convert, opened, route
from cfgmig.errors import Refused
from cfgmig.project import find_project
from cfgmig.routing import Goal
from cfgmig.verifying import verify
from examples.hsmn.model import build
from examples.hsmn.tokenizer.codebook import Codebook
from tests.cli.running import run, run_json
from tests.conftest import ROOT

torch = pytest.importorskip("torch", reason="torch makes the models")
save_file = pytest.importorskip("safetensors.torch").save_file
load_file = pytest.importorskip("safetensors.torch").load_file
safe_open = pytest.importorskip("safetensors").safe_open

ADAPTER = {"hd_dim": 64, "expand": "unbind"}
CLEANUP = {"hd_dim": 256, "expand": "cleanup"}


def config(
    ids: int = 400,
    adapter: dict[str, Any] | None = None,
    *,
    width: int = 8,
    blocks: int = 6,
    length: int = 4,
    **head: Any,
) -> dict[str, Any]:
    """A config of the head version; one of bundles where it has an adapter."""
    return {
        "schema_version": "hsmn/5",
        "profile": "trial",
        "model": {
            "hidden_dim": width,
            "num_reasoning_blocks": blocks,
            "num_moe_experts": 3,
            "context_window": 8,
            **({"embedding": {"kind": "plain"}} if adapter is None else {"adapter": adapter}),
            "lm_head": {"vqc_qubits": 4, **head},
            "blocks": {
                "attention": {"num_heads": 2, "num_kv_heads": 2, "latent_dim": 3},
                "wlam": {"num_heads": 4},
                "spatial": {"mamba_state_dim": 4},
                "moe": {"inner_dim": 10},
            },
        },
        "tokenizer": {"active_vocab_size": ids, "max_vocab_size": ids},
        "data": {
            "text": "text.txt",
            "hd": {
                "enabled": adapter is not None,
                "sample_length": length,
                "keys": "unitary",
                "ctqw_steps": 0,
            },
        },
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("once upon a time\n")
    return tmp_path


def written(place: Path, name: str, data: dict[str, Any]) -> Path:
    path = place / f"{name}.json"
    path.write_text(json.dumps(data))
    return path


def saved(place: Path, data: dict[str, Any], **texts: str) -> Path:
    torch.manual_seed(0)
    model = build({key: value for key, value in data.items() if key != "schema_version"})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    path = place / "before.safetensors"
    save_file(model.state_dict(), path, metadata={"config": json.dumps(data), **texts})
    return path


CASES = {
    "growth": (config(370), config(400), ["0001_vocabulary"]),
    "larger bundles, cut": (
        config(400, ADAPTER), config(380, {**ADAPTER, "hd_dim": 128}),
        ["0001_vocabulary", "0002_larger_bundles"],
    ),
    "smaller bundles, growth": (
        config(380, ADAPTER), config(400, {**ADAPTER, "hd_dim": 40}),
        ["0001_vocabulary", "0003_smaller_bundles"],
    ),
    "cut, clean-up": (
        config(400), config(380, CLEANUP), ["0001_vocabulary", "0004_clean_up"],
    ),
    "clean-up, growth": (
        config(370), config(400, CLEANUP), ["0001_vocabulary", "0004_clean_up"],
    ),
    "ids again": (config(400, CLEANUP), config(400), ["0004_clean_up"]),
    "another clean-up": (
        config(400, CLEANUP), config(370, {**CLEANUP, "hd_dim": 512}),
        ["0001_vocabulary", "0004_clean_up"],
    ),
    "to an adapter, cut": (
        config(400), config(380, {**ADAPTER, "hd_dim": 256}), ["0001_vocabulary", "0006_adapter"],
    ),
    "to an adapter afresh": (
        config(400), config(400, {**ADAPTER, "expand": "broadcast"}), ["0007_fresh_adapter"],
    ),
    "to ids": (config(400, ADAPTER), config(400), ["0006_adapter"]),
    "to a clean-up": (
        config(400, ADAPTER), config(400, CLEANUP), ["0006_adapter", "0004_clean_up"],
    ),
    "from a clean-up": (
        config(400, CLEANUP), config(400, {**CLEANUP, "expand": "unbind"}),
        ["0004_clean_up", "0006_adapter"],
    ),
    "longer and larger": (
        config(400, ADAPTER), config(400, {**ADAPTER, "hd_dim": 128}, length=6),
        ["0002_larger_bundles", "0005_length"],
    ),
    "longer and smaller": (
        config(400, ADAPTER), config(400, {**ADAPTER, "hd_dim": 40}, length=6),
        ["0005_length", "0003_smaller_bundles"],
    ),
    "shorter": (config(400, ADAPTER), config(400, ADAPTER, length=2), ["0005_length"]),
    "a factored head": (
        config(400), config(400, factor_rank=16, total_vocab_size=420),
        ["0008_factored_head", "0001_vocabulary"],
    ),
    "a whole head": (
        config(400, factor_rank=5, total_vocab_size=420), config(400), ["0009_whole_head"],
    ),
    "one block": (config(400, blocks=1), config(370, blocks=1), ["0001_vocabulary"]),
}  # fmt: skip


def converted(source: Path, target: Path, data: dict[str, Any] | None) -> Any:
    with opened(str(source)) as checkpoint:
        made = route(checkpoint, find_project(ROOT), Request(Goal(config=data)))
        convert(made, target)
        return made.journey


def loads(path: Path, data: dict[str, Any]) -> None:
    model = build({key: value for key, value in data.items() if key != "schema_version"})
    model.load_state_dict(load_file(path))  # all of them, and no others


@pytest.mark.parametrize("case", CASES)
def test_converted_and_verified(case: str, place: Path) -> None:
    before, after, names = CASES[case]
    source, target = saved(place, before), place / "after.safetensors"
    journey = converted(source, target, after)
    assert [stage.name for stage in journey.stages] == names
    assert journey.afresh == ()
    loads(target, after)
    with opened(str(source)) as one, opened(str(target)) as other:
        found = verify(one, other, find_project(ROOT), round_trip=True, probe=True)
    assert found.fine
    assert found.readings
    again = place / "again.safetensors"
    assert converted(target, again, after).stages == ()


def test_what_was_cut_comes_back_from_beside(place: Path) -> None:
    source = saved(place, config(400))
    converted(source, place / "cut.safetensors", config(370))
    converted(place / "cut.safetensors", place / "back.safetensors", config(400))
    before, after = load_file(source), load_file(place / "back.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("case", ["larger bundles, cut", "smaller bundles, growth"])
def test_from_outside(case: str, place: Path) -> None:
    before, after, names = CASES[case]
    source, target = saved(place, before), place / "after.safetensors"
    wanted = written(place, "wanted", after)
    done = run("checkpoint", "convert", source, target, "--for", wanted)
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines() if "  step " in line] == names
    loads(target, after)
    found = run_json("checkpoint", "verify", source, target, "--round-trip", "--probe")
    assert found["fine"] is True
    assert found["round_trip"]["fine"] is True
    said = run("checkpoint", "inspect", target).stdout
    assert "is          hsmn 5\n" in said
    assert "it takes bundles, through an adapter\n" in said


def test_a_damaged_result_is_found_out(place: Path) -> None:
    """The probe is another witness than the comparison bit for bit."""
    before, after, _ = CASES["cut, clean-up"]
    source, target = saved(place, before), place / "after.safetensors"
    converted(source, target, after)
    tensors = load_file(target)
    tensors["blocks.3.angle"] += 0.01
    with safe_open(target, "pt") as file:
        save_file(tensors, target, metadata=file.metadata())
    with opened(str(source)) as one, opened(str(target)) as other:
        found = verify(one, other, find_project(ROOT), probe=True)
    assert not found.made
    assert [reading.what.split()[0] for reading in found.broken] == ["logits"]


REFUSED = {
    "width": (config(400), config(400, width=16), "hidden: 8 -> 16"),
    "blocks": (config(400), config(400, blocks=5), "num_reasoning_blocks: 6 -> 5"),
    "what was not unbound": (
        config(400, {**ADAPTER, "expand": "broadcast"}),
        config(400),
        "input: hd_bundle -> token_ids",
    ),
    "another rank": (
        config(400, factor_rank=5, total_vocab_size=400),
        config(400, factor_rank=6, total_vocab_size=400),
        "factor_rank: 5 -> 6",
    ),
    "below the base": (config(400), config(361), "361 ids are fewer"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_had_is_refused(case: str, place: Path) -> None:
    before, after, said = REFUSED[case]
    source = saved(place, before)
    with pytest.raises(Refused, match=said):
        converted(source, place / "after.safetensors", after)
    assert not (place / "after.safetensors").exists()


def test_a_clean_up_without_room_leaves_nothing(place: Path) -> None:
    source, narrow = saved(place, config(400)), {**CLEANUP, "hd_dim": 64}
    done = run(
        "checkpoint", "convert", source, place / "after.safetensors",
        "--for", written(place, "wanted", config(400, narrow)),
    )  # fmt: skip
    assert done.returncode != 0
    assert "a clean-up of 64 dimensions finds" in done.stderr
    assert sorted(path.name for path in place.iterdir()) == [
        "before.safetensors", "text.txt", "wanted.json",
    ]  # fmt: skip


def book(ids: int) -> str:
    """A codebook of so many ids, as the trainer keeps it: each word rarer than the one before."""
    words = tuple(f"w{rank:02}".encode() for rank in range(ids - 362))
    return json.dumps(Codebook(words, tuple(range(200, 562 - ids, -1))).to_json())


def book_of(path: Path, key: str = "codebook") -> Any:
    with safe_open(path, "pt") as file:
        text = file.metadata().get(key)
    return None if text is None else Codebook.from_json(json.loads(text))


def test_the_codebook_comes_along(place: Path) -> None:
    source = saved(place, config(400), codebook=book(400))
    whole = book_of(source)
    cut, more, back = (place / f"{name}.safetensors" for name in ("cut", "more", "back"))
    converted(source, cut, config(370))
    assert book_of(cut) == whole.truncated(370)
    assert book_of(cut, "codebook_before") == whole
    converted(cut, more, config(380))
    assert book_of(more) == whole.truncated(380)
    assert book_of(more, "codebook_before") == whole
    converted(more, back, config(400))
    assert book_of(back).words == whole.words
    assert book_of(back) == whole


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"superwords":3}', '{"superwords":[],"base_vocab_size":384}']
)
def test_a_codebook_that_is_none_stays(text: str, place: Path) -> None:
    source = saved(place, config(400), codebook=text)
    converted(source, place / "after.safetensors", config(370))
    with safe_open(place / "after.safetensors", "pt") as file:
        assert file.metadata()["codebook"] == text
        assert "codebook_before" not in file.metadata()


def test_a_codebook_of_fewer_ids_is_whole_already(place: Path) -> None:
    source = saved(place, config(400), codebook=book(370))
    for ids in (380, 370, 450):
        target = place / f"{ids}.safetensors"
        converted(source, target, config(ids))
        assert book_of(target) == book_of(source)
        assert book_of(target, "codebook_before") is None


def test_what_is_preferred(place: Path) -> None:
    """Another way to an adapter, and a factored head in spite of what it loses."""
    source = saved(place, config(400))
    for name, wanted, said in (
        ("fresh_adapter", config(400, ADAPTER), "0007_fresh_adapter"),
        ("0008_factored_head", config(400, factor_rank=2, total_vocab_size=400), "0008_"),
    ):
        target = place / f"{name}.safetensors"
        for_config = written(place, name, wanted)
        done = run("checkpoint", "convert", source, target, "--for", for_config, "--prefer", name)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
        loads(target, wanted)
        assert run_json("checkpoint", "verify", source, target, "--probe")["fine"] is True
    done = run("checkpoint", "convert", source, place / "c.safetensors", "--for", for_config)
    assert done.returncode == 3
    assert "or take it all the same: `--prefer factored_head`" in done.stderr
