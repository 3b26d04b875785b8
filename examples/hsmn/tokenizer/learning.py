"""Learns the most frequent n-grams of a stream of texts: in parallel, in bounded memory, exactly.

Each process counts one chunk at a time and writes the counts to a temporary folder; the runs
are then summed range by range. What is held at any time does not grow with the stream. Sums do
not depend on the order in which chunks are done, so the result does not depend on the workers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from .counting import WIDEST, Chunk, count
from .runs import Stored, most_frequent

CHUNK = 1 << 20
"""Bytes of text that one process counts at a time."""

AT_ONCE = 1 << 20
"""Entries of all runs that are summed at a time."""

Advance = Callable[[int], None]
"""Is told how many texts more were read."""


def learn(
    texts: Iterable[str],
    *,
    capacity: int,
    min_freq: int = 10,
    smallest: int = 2,
    largest: int = 5,
    max_length: int | None = None,
    workers: int | None = None,
    chunk: int = CHUNK,
    advance: Advance = lambda _texts: None,
) -> list[tuple[bytes, int]]:
    """The `capacity` most frequent n-grams and their counts, in the order of their ids.

    Args:
        texts: read once, and only as fast as they are counted.
        capacity: n-grams at most.
        min_freq: occurrences below which an n-gram does not count.
        smallest: shortest n-gram, bytes.
        largest: longest n-gram, bytes; 7 at most.
        max_length: bytes of each text that are read; None for all.
        workers: processes; None for one per core. A stream of one chunk needs none.
        chunk: bytes that one process counts at a time.
        advance: is told of every text that was read.

    Raises:
        ValueError: sizes of n-grams are out of range.
    """
    if not 2 <= smallest <= largest <= WIDEST:
        raise ValueError(f"n-grams of {smallest} to {largest} bytes; 2 to {WIDEST} are possible")
    chunks = split(texts, chunk, largest - 1, max_length, advance)
    with tempfile.TemporaryDirectory(prefix="ngrams-") as folder:
        runs = list(_counted(chunks, smallest, largest, Path(folder), workers))
        return most_frequent(runs, min_freq, capacity, AT_ONCE)


def split(
    texts: Iterable[str],
    size: int,
    overlap: int,
    max_length: int | None = None,
    advance: Advance = lambda _texts: None,
) -> Iterator[Chunk]:
    """Texts as UTF-8 in chunks of about `size` bytes; a longer text is cut, with an overlap."""
    data, ends, goes_on = bytearray(), list[int](), list[bool]()
    for text in texts:
        # A lone surrogate has no bytes; it becomes a question mark.
        left = memoryview(text.encode("utf-8", "replace"))[:max_length]
        while left:
            room = max(size - len(data), 1)
            whole = len(left) <= room + overlap
            data += left if whole else left[: room + overlap]
            ends.append(len(data))
            goes_on.append(not whole)
            left = left[len(left) :] if whole else left[room:]
            if len(data) >= size:
                yield Chunk(bytes(data), ends, goes_on)
                data, ends, goes_on = bytearray(), [], []
        advance(1)
    if data:
        yield Chunk(bytes(data), ends, goes_on)


def _counted(
    chunks: Iterator[Chunk], smallest: int, largest: int, folder: Path, workers: int | None
) -> Iterator[Stored]:
    """The runs of all chunks, as they are done."""
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
    from multiprocessing import get_context

    first, second = next(chunks, None), next(chunks, None)
    processes = workers or os.cpu_count() or 1
    alone = second is None or processes == 1
    with ExitStack() as stack:
        waiting: set[Future[Stored]] = set()
        pool: ProcessPoolExecutor | None = None
        for number, chunk in enumerate(_put_back(first, second, chunks)):
            work = (chunk, smallest, largest, folder / str(number))
            if alone:
                yield count_into(*work)
                continue
            if pool is None:
                # Forked processes inherit locks that other threads may hold.
                pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
                stack.enter_context(pool)
            waiting.add(pool.submit(count_into, *work))
            # Without a limit the stream would be read into the queue.
            if len(waiting) >= 2 * processes:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
        yield from (one.result() for one in waiting)


def _put_back(first: Chunk | None, second: Chunk | None, rest: Iterator[Chunk]) -> Iterator[Chunk]:
    yield from (one for one in (first, second) if one is not None)
    yield from rest


def count_into(chunk: Chunk, smallest: int, largest: int, file: Path) -> Stored:
    """Count a chunk and write the run; what each process does."""
    return Stored.write(count(chunk, smallest, largest), file)
