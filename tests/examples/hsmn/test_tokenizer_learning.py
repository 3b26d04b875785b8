"""Learning n-grams: exact, whatever the chunks and the processes; in bounded memory."""

from __future__ import annotations

import concurrent.futures
import io
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.hsmn.tokenizer import AdaptiveQWT
from examples.hsmn.tokenizer import learning as module
from examples.hsmn.tokenizer.learning import count_into, learn, split
from examples.hsmn.tokenizer.progress import progress
from examples.hsmn.tokenizer.runs import Stored, most_frequent

Found = list[tuple[bytes, int]]


def counted(
    texts: list[str], capacity: int, min_freq: int, sizes: tuple[int, int], length: int | None
) -> Found:
    """The definition: every n-gram of every text, counted one by one."""
    counts: Counter[bytes] = Counter()
    for text in texts:
        data = text.encode()[:length]
        for size in range(sizes[0], sizes[1] + 1):
            counts.update(data[at : at + size] for at in range(len(data) - size + 1))
    often = [(word, count) for word, count in counts.items() if count >= min_freq]
    return sorted(often, key=lambda pair: (-pair[1], tuple(pair[0])))[:capacity]


texts = st.lists(st.text(alphabet="ab\x00é\U0001f600", max_size=12), max_size=12)


@given(
    texts,
    st.integers(0, 30),
    st.integers(1, 3),
    st.sampled_from([(2, 5), (2, 2), (3, 7), (5, 5)]),
    st.sampled_from([None, 3, 7]),
    st.sampled_from([1, 6, 17, 1 << 20]),
)
def test_counts_are_those_of_the_definition(
    texts: list[str],
    capacity: int,
    min_freq: int,
    sizes: tuple[int, int],
    length: int | None,
    chunk: int,
) -> None:
    found = learn(
        texts,
        capacity=capacity,
        min_freq=min_freq,
        smallest=sizes[0],
        largest=sizes[1],
        max_length=length,
        workers=1,
        chunk=chunk,
    )
    assert found == counted(texts, capacity, min_freq, sizes, length)


@given(texts, st.integers(0, 9))
@settings(max_examples=25)
def test_summing_in_small_ranges_changes_nothing(texts: list[str], capacity: int) -> None:
    whole = learn(texts, capacity=capacity, min_freq=1, workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "AT_ONCE", 20)
        assert learn(texts, capacity=capacity, min_freq=1, workers=1, chunk=5) == whole


@given(st.lists(st.integers(1, 5), min_size=1, max_size=120), st.integers(0, 6), st.integers(1, 3))
@settings(max_examples=50)
def test_of_equal_counts_the_smaller_bytes_stay(
    counts: list[int], capacity: int, min_freq: int
) -> None:
    words = [bytes((number // 7, number % 7)) for number in range(len(counts))]
    keys = [int.from_bytes(word.ljust(7, b"\0"), "big") << 3 | 2 for word in words]
    doubled = [(word, 2 * count) for word, count in zip(words, counts, strict=True)]
    often = sorted((pair for pair in doubled if pair[1] >= min_freq), key=lambda pair: -pair[1])
    with tempfile.TemporaryDirectory() as folder:
        run = Stored.write(np.array([keys, counts], np.uint64), Path(folder) / "run")
        assert most_frequent([run, run], min_freq, capacity, at_once=8) == often[:capacity]


def test_the_stream_is_read_no_faster_than_it_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Threads(ThreadPoolExecutor):
        def __init__(self, workers: int, mp_context: object) -> None:
            super().__init__(workers)

    read, done, ahead = 0, 0, 0

    def texts() -> Iterator[str]:
        nonlocal read
        for _ in range(60):
            read += 1
            yield "0123456789"

    def slow(*work: Any) -> Stored:
        nonlocal done, ahead
        time.sleep(0.002)
        ahead, done = max(ahead, read - done), done + 1
        return count_into(*work)

    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", Threads)
    monkeypatch.setattr(module, "count_into", slow)
    found = learn(texts(), capacity=3, workers=2, chunk=10)
    assert found[0] == (b"01", 60)
    # Four that wait, and one that is read.
    assert ahead <= 6


def test_processes_change_nothing() -> None:
    texts = [f"line {number} of some text, and {number * number} more" for number in range(400)]
    alone, many = AdaptiveQWT(700), AdaptiveQWT(700)
    alone.learn(texts, workers=1)
    many.learn(iter(texts), workers=2, chunk=2000)
    assert many.codebook == alone.codebook
    assert many.vocab_size == 700


def test_chunks_are_of_about_the_size_and_cut_long_texts() -> None:
    chunks = list(split(["abc", "defghijklmnop", "", "q"], size=5, overlap=2))
    assert [(chunk.data, chunk.ends, chunk.goes_on) for chunk in chunks] == [
        (b"abcdefg", [3, 7], [False, True]),
        (b"fghijkl", [7], [True]),
        (b"klmnop", [6], [False]),
        (b"q", [1], [False]),
    ]


@pytest.mark.parametrize(("smallest", "largest"), [(1, 5), (2, 8), (4, 3)])
def test_sizes_out_of_range_are_errors(smallest: int, largest: int) -> None:
    with pytest.raises(ValueError, match="2 to 7 are possible"):
        learn(["a"], capacity=1, smallest=smallest, largest=largest)


def test_a_tokenizer_learns_once() -> None:
    one = AdaptiveQWT(400)
    assert one.learn([], workers=1) == 0
    assert one.is_trained
    with pytest.raises(ValueError, match="has learnt its words"):
        one.learn(["aaa"])


def stream(count: int) -> Iterator[str]:
    return (f"{number} and {number * number} make text" for number in range(count))


def peak(count: int) -> int:
    tracemalloc.start()
    learn(stream(count), capacity=100, workers=1, chunk=1 << 15)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1 << 13)
    peak(10)
    # Numpy tells of its arrays; summed at once, the runs of the long stream take nine times that.
    assert peak(30_000) < 1.5 * peak(3_000)


# The bar.


def test_there_is_a_bar_in_a_terminal_only() -> None:
    from rich.console import Console

    terminal, file = io.StringIO(), io.StringIO()
    for out, is_terminal in ((terminal, True), (file, False)):
        one = AdaptiveQWT(400)
        console = Console(file=out, force_terminal=is_terminal, width=100)
        one.learn(["aab"] * 7, workers=1, console=console)
    assert "learning n-grams" in terminal.getvalue()
    assert "7/7" in terminal.getvalue()
    assert file.getvalue() == ""


def test_a_bar_without_a_total_counts() -> None:
    from rich.console import Console

    out = io.StringIO()
    with progress("reading", None, Console(file=out, force_terminal=True, width=100)) as advance:
        advance(3)
    assert "3/?" in out.getvalue()
