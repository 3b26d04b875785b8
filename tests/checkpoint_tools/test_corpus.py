"""Real files: element counts, shapes and values as the notes beside them say."""

from __future__ import annotations

import array
import json
import math
from pathlib import Path
from typing import Any

import pytest

from checkpoint_tools import Checkpoint, Malformed, open_checkpoint


def floats(checkpoint: Checkpoint, name: str) -> array.array[float]:
    return array.array("f", checkpoint.read(name))


def lines(corpus: Path) -> list[dict[str, Any]]:
    text = (corpus / "crystalline" / "expected_values.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def find(corpus: Path, name: str) -> Path:
    return next((corpus / "crystalline").rglob(name))


def test_torch_files_hold_the_tensors_that_their_index_lists(corpus: Path) -> None:
    folder = corpus / "ternary_vae" / "checkpoints"
    for said in json.loads((folder / "index.json").read_text()):
        with open_checkpoint(folder / said["file"]) as checkpoint:
            mine = [ref for ref in checkpoint.tensors.values() if ref.path[0] == said["state_key"]]
            assert len(mine) == said["n_tensors"], said["file"]
            assert sum(ref.numel for ref in mine) == said["n_elements"], said["file"]
            assert checkpoint.metadata["epoch"] == said["epoch"]
            assert list(checkpoint.skeleton) == said["top_keys"]  # type: ignore[call-overload]
            metrics = checkpoint.metadata.get("metrics", checkpoint.metadata)
            for key, value in said["stored"].items():
                assert math.isclose(metrics[key], value, abs_tol=1e-6), (said["file"], key)
            for index in range(len(checkpoint.storages)):
                checkpoint.verify(index)
            json.dumps(checkpoint.metadata)


def test_cllm_files_hold_the_expected_values(corpus: Path) -> None:
    for said in lines(corpus):
        if "error" in said:
            continue
        with open_checkpoint(find(corpus, said["file"])) as checkpoint:
            assert checkpoint.container["ff_dim"] == said["ff_dim"]
            header = checkpoint.container["header"]
            assert {key: header[key] for key in said["header"]} == said["header"]
            assert sorted(checkpoint.tensors) == sorted(said["tensors"])
            for name, expected in said["tensors"].items():
                values = floats(checkpoint, name)
                assert list(checkpoint.tensors[name].shape) == expected["shape"]
                assert values[:3].tolist() == pytest.approx(expected["first"], rel=1e-5)
                mean = sum(map(abs, values)) / len(values)
                assert mean == pytest.approx(expected["mean_abs"], rel=1e-4, abs=1e-9)
                assert sum(value == 0 for value in values) == expected["zeros"]


def test_cllm_generations(corpus: Path) -> None:
    kinds = {
        "G0-rich": "rich", "G1-flat": "flat", "G2-sectioned": "sectioned",
        "G3-sectioned": "sectioned, second magic",
    }  # fmt: skip
    for said in lines(corpus):
        if "error" not in said:
            with open_checkpoint(find(corpus, said["file"])) as checkpoint:
                assert checkpoint.container["generation"] == kinds[said["kind"]]


def test_rich_cllm_tells_tokens_and_training(corpus: Path) -> None:
    said = next(line for line in lines(corpus) if line["file"] == "g0_rich_lattice.cllm")
    with open_checkpoint(find(corpus, said["file"])) as checkpoint:
        assert checkpoint.metadata["training"] == said["meta"]["training_meta"]
        assert len(checkpoint.metadata["tokens"]["id"]) == 30
        assert checkpoint.container["layers"]["0"]["heads"] == 3


def test_truncated_cllm_says_where(corpus: Path) -> None:
    said = next(line for line in lines(corpus) if "error" in line)
    with pytest.raises(Malformed) as caught:
        open_checkpoint(find(corpus, said["file"]))
    assert said["error"] in str(caught.value)
    assert isinstance(caught.value.partial, Checkpoint)
    notes = [note.message for note in caught.value.partial.notes]
    assert notes == ["94048 of 97536 bytes of embeddings are in the file"]
    caught.value.partial.close()


def test_cllm_state_takes_its_sizes_from_its_neighbour(corpus: Path, tmp_path: Path) -> None:
    path = find(corpus, "g3ckpt.cllm.state")
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.metadata["epoch"] == 3
        assert checkpoint.metadata["step"] == 27
        assert checkpoint.metadata["best_loss"] == 2.25
        values = floats(checkpoint, "embeddings.exp_avg")
        values += floats(checkpoint, "embeddings.exp_avg_sq")
        assert values.tolist() == pytest.approx([0.001 * n for n in range(1440)], abs=1e-6)
    alone = tmp_path / "alone.cllm.state"
    alone.write_bytes(path.read_bytes())
    with open_checkpoint(alone) as checkpoint:
        assert checkpoint.tensors["buffer"].numel == 2 * 13824
        assert any(note.kind == "unread" for note in checkpoint.notes)


def test_npy_files(corpus: Path) -> None:
    folder = corpus / "saguaro" / "artifacts"
    for name, shape in (("holographic_store", (64, 128)), ("holographic_store_keys", (5000, 128))):
        with open_checkpoint(folder / f"{name}.npy") as checkpoint:
            ref = checkpoint.tensors["array"]
            assert (ref.dtype, ref.shape) == ("float32", shape)
            row = array.array("f", checkpoint.read_slice("array", (1, 0), (2, 128)))
            if name.endswith("keys"):
                assert sum(value * value for value in row) == pytest.approx(1, abs=1e-4)
