"""Event files of TensorBoard: numbers and pictures, through its own writer.

tensorboard is an extra of this project and is imported where a run asks for event files only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from torch import Tensor

MISSING = (
    "warning: logging.tensorboard is on, and tensorboard is not installed: this run writes no "
    "event files; metrics.jsonl and report.html have the same numbers\n"
    "  help: `pip install tensorboard`"
)


class Events:
    """Writes the events of one run; what was given to it is on disk after each call.

    Args:
        folder: gets a new file, as TensorBoard expects it: all files of a folder are one run.
        first_step: of a resumed run; TensorBoard drops what older files have from there on.

    Raises:
        ImportError: tensorboard is not installed.
    """

    def __init__(self, folder: Path, first_step: int | None = None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=first_step)

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by tag at a step."""
        for tag, value in values.items():
            self._writer.add_scalar(tag, value, step)
        self._writer.flush()

    def picture(self, step: int, tag: str, pixels: Tensor) -> None:
        """A picture, uint8 [height, width, 3], at a step."""
        self._writer.add_image(tag, pixels.numpy(), step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def events(
    folder: Path, say: Callable[[str], None], first_step: int | None = None
) -> Events | None:
    """`Events`, or None and a word to the user where tensorboard is not installed.

    A missing viewer is no reason to lose a night's run: the journal and the report have the
    same numbers.
    """
    try:
        return Events(folder, first_step)
    except ImportError:
        say(MISSING)
        return None
