"""Learning a vocabulary from text, beside BPE training of the `tokenizers` library.

pip install tokenizers
python benchmarks/learn_tokenizer.py [FILES] [--megabytes 16] [--vocab 8000] [--rounds 3]

Both read the same file of lines and write nothing. Without FILES the text is the source of
Python's standard library. The vocabularies are not the same: AdaptiveQWT takes frequent n-grams
of bytes, BPE merges pairs of tokens again and again.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import compare, table

ROOT = Path(__file__).resolve().parent.parent
OURS, THEIRS = "AdaptiveQWT, {} processes", "tokenizers BPE, {} threads"


def write_text(files: list[Path], limit: int, out: Path) -> None:
    """At most `limit` characters of the files, which are not held: what this process holds
    counts in the peak of every process that it starts."""
    with out.open("w", encoding="utf-8") as text:
        for file in files or sorted(Path(os.__file__).parent.rglob("*.py")):
            part = file.read_text(encoding="utf-8", errors="replace")[:limit]
            limit -= text.write(part)
            if not limit:
                break


def lines(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8") as text:
        yield from text


def learn_ours(file: Path, vocab: int, workers: int) -> int:
    sys.path.insert(0, str(ROOT))
    from examples.hsmn.tokenizer import AdaptiveQWT

    tokenizer = AdaptiveQWT(vocab)
    tokenizer.learn(lines(file), min_freq=10, workers=workers)
    return tokenizer.vocab_size


def learn_bpe(file: Path, vocab: int) -> int:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        min_frequency=10,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(lines(file), trainer)
    return int(tokenizer.get_vocab_size())


def commands(file: Path, vocab: int, cores: int) -> dict[str, list[str]]:
    own = [sys.executable, __file__, str(file), "--vocab", str(vocab), "--only"]
    found = {}
    if importlib.util.find_spec("tokenizers") is None:
        print("the library tokenizers is not installed; nothing to compare with", file=sys.stderr)
    else:
        found[THEIRS.format(cores)] = [*own, "bpe"]
    for workers in sorted({1, cores}):
        found[OURS.format(workers)] = [*own, str(workers)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--megabytes", type=float, default=16)
    parser.add_argument("--vocab", type=int, default=8000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="bpe, or a number of processes: learn once and say the size")
    options = parser.parse_args()
    if options.only == "bpe":
        print(learn_bpe(options.files[0], options.vocab))
    elif options.only:
        print(learn_ours(options.files[0], options.vocab, int(options.only)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "text.txt"
            write_text(options.files, int(options.megabytes * 1e6), file)
            print(f"{file.stat().st_size / 1e6:.1f} MB, vocabulary {options.vocab}\n")
            run = commands(file, options.vocab, os.cpu_count() or 1)
            print(table(compare(run, options.rounds), next(iter(run))))


if __name__ == "__main__":
    main()
