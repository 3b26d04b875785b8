"""Fuzz the readers.

`python -m tests.checkpoint_tools.fuzz --minutes 10 [--seed N] [--keep FOLDER] [--more FOLDER]`

Files of every format are damaged at random and by structure (members of an archive with their
checksums made right again, headers with their lengths, streams of pickle opcodes), then opened
and read. The readers may open a file or refuse it with a CheckpointError; another exception, two
seconds of CPU, or 400 MB of address space beyond the start is a finding, written to FOLDER.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import NoReturn

from checkpoint_tools import CheckpointError, open_checkpoint
from tests.checkpoint_tools import attacks_gguf as g
from tests.checkpoint_tools import building as b
from tests.checkpoint_tools.mutations import mutate

_SECONDS = 2.0
_ROOM = 400 << 20
_LARGEST_SEED = 100_000
_SUFFIXES = (".pt", ".pth", ".bin", ".safetensors", ".npy", ".npz", ".cllm", ".state", ".gguf")


class TooSlow(Exception):
    """A file took too long."""


def seeds(work: Path, more: Path | None) -> list[tuple[str, bytes]]:
    """Good files of every single-file format; names keep their suffix."""
    found = [
        ("a.pt", b.good_torch_zip()),
        ("a.pth", b.good_legacy()),
        ("a.safetensors", b.good_safetensors()),
        ("a.npy", b.good_npy()),
        ("a.npz", b.zip_bytes({"x.npy": b.good_npy(), "y.npy": b.good_npy()})),
        ("b.npz", b.zip_bytes({"x.npy": b.good_npy()}, 8)),
        ("a.gguf", _gguf()),
    ]
    found += _by_torch(work)
    for path in sorted(more.rglob("*")) if more is not None else ():
        if path.is_file() and path.stat().st_size < _LARGEST_SEED and path.suffix in _SUFFIXES:
            found.append((path.name, path.read_bytes()))
    return found


def _gguf() -> bytes:
    """Values of several kinds, and two tensors."""
    texts, numbers = (8, ["a", "b"]), (4, [1, 2, 3])
    pairs = [g.pair("name", 8, "x"), g.pair("words", 9, texts), g.pair("sizes", 9, numbers)]
    infos = [g.info("a", [8], g.F32, 0), g.info("b", [2, 4], g.F32, 32)]
    return g.build(pairs, infos, bytes(range(64)))


def _by_torch(work: Path) -> list[tuple[str, bytes]]:
    """Files as torch writes them, where it is installed."""
    try:
        import torch
    except ImportError:
        return []
    from tests.checkpoint_tools.samples import everything

    found: list[tuple[str, bytes]] = []
    for name, modern in (("t.pt", True), ("t.pth", False)):
        torch.save(everything(), work / name, _use_new_zipfile_serialization=modern)
        found.append((name, (work / name).read_bytes()))
        (work / name).unlink()
    return found


def folders(work: Path) -> list[tuple[Path, Path]]:
    """Good folders, and in each the files that may be damaged."""
    made: list[tuple[Path, Path]] = []
    for name in ("sharded", "distributed"):
        (work / name).mkdir()
    b.sharded(work / "sharded")
    b.Distributed().write(work / "distributed")
    for folder in (work / "sharded", work / "distributed"):
        made += [(folder, path) for path in sorted(folder.iterdir())]
    return made


def attempt(path: Path) -> str:
    """How the readers take one file: "opened", "refused" or, raised, anything else."""

    def stop(*_: object) -> NoReturn:
        raise TooSlow

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        with open_checkpoint(path) as checkpoint:
            json.dumps(checkpoint.metadata)
            json.dumps(checkpoint.container)
            for name, ref in checkpoint.tensors.items():
                if ref.nbytes < 1 << 20:
                    assert len(checkpoint.read(name)) == ref.nbytes
            assert checkpoint.referenced_bytes <= checkpoint.stored_bytes
            assert all(note.message.isprintable() for note in checkpoint.notes)
        return "opened"
    except CheckpointError as error:
        if not str(error).isprintable() or not error.file:
            raise ValueError("a refusal that cannot be printed, or names no file") from error
        return "refused"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _limit_memory() -> None:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmSize:"):
            most = int(line.split()[1]) * 1024 + _ROOM
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


def run(seconds: float, seed: int, keep: Path | None, more: Path | None) -> int:
    """Fuzz for a while; the number of findings."""
    rng = random.Random(seed)
    work = Path(tempfile.mkdtemp(prefix="fuzz-"))
    counts: Counter[str] = Counter()
    findings: set[str] = set()
    try:
        files, parts = seeds(work, more), folders(work)
        _limit_memory()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if rng.random() < 0.15:
                folder, path = rng.choice(parts)
                good = path.read_bytes()
                opened = folder
            else:
                name, good = rng.choice(files)
                path = opened = work / name
            bad = mutate(rng, path.name, good)
            path.write_bytes(bad)
            try:
                counts[attempt(opened)] += 1
            except Exception as error:
                counts["failed"] += 1
                where = traceback.extract_tb(error.__traceback__)[-1]
                what = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
                if what not in findings:
                    findings.add(what)
                    print(f"{what}: {error}", flush=True)
                    if keep is not None:
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / f"{len(findings)}-{path.name}").write_bytes(bad)
            if opened is path:
                path.unlink()
            else:
                path.write_bytes(good)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"seed {seed}: {dict(counts)}, {len(findings)} findings")
    return len(findings)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=None, help="folder for files that fail")
    parser.add_argument("--more", type=Path, default=None, help="folder of further good files")
    given = parser.parse_args()
    sys.exit(1 if run(given.minutes * 60, given.seed, given.keep, given.more) else 0)


if __name__ == "__main__":
    main()
