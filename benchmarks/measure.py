"""Runs commands in turns and compares wall time and peak memory as ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Samples:
    """What the runs of one command took."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)


def run(command: Sequence[str], expected: Sequence[int] = (0,)) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds and peak resident KiB of one run, children included."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    if code not in expected:
        sys.exit(f"{' '.join(command)}: exit {code}\n{errors.decode()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def compare(
    commands: Mapping[str, Sequence[str]],
    rounds: int,
    prepare: Callable[[str], None] = lambda _name: None,
    expected: Sequence[int] = (0, 1),
) -> dict[str, Samples]:
    """Run all commands in turns, `rounds` times; one unmeasured round warms the caches."""
    samples = {name: Samples() for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            prepare(name)
            wall, cpu, peak = run(command, expected)
            if number:
                samples[name].seconds.append(wall)
                samples[name].cpu.append(cpu)
                samples[name].peak = max(samples[name].peak, peak)
    return samples


def table(samples: Mapping[str, Samples], base: str) -> str:
    """A Markdown table; ratios are against `base`, by median wall time and peak memory."""
    lines = [
        "| command | median | best | CPU | peak memory | time ratio | memory ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    of = samples[base]
    for name, one in samples.items():
        lines.append(
            f"| {name} | {one.median * 1000:.0f} ms | {one.best * 1000:.0f} ms "
            f"| {statistics.median(one.cpu) * 1000:.0f} ms | {one.peak / 1024:.0f} MiB "
            f"| {one.median / of.median:.2f} | {one.peak / of.peak:.2f} |"
        )
    return "\n".join(lines)
