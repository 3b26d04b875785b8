"""What a well-made checkpoint never exceeds; beyond it a file is refused before memory is spent."""

from __future__ import annotations

MIB = 1 << 20

MAX_TENSORS = 250_000
MAX_DIMENSIONS = 64
MAX_ELEMENTS = (1 << 63) - 1
MAX_NAME = 4096
MAX_DEPTH = 100

# Tensors that repeat their storage (stride 0): bytes once written out, per byte stored.
MAX_EXPANSION = 4
FREE_EXPANSION = 64 * 1024

MAX_PICKLE = 64 * MIB
MAX_PICKLE_STEPS = 6_000_000
MAX_PICKLE_OBJECTS = 1_500_000
# What calls may make out of memoized values, in items or bytes beyond the size of the pickle.
MAX_AMPLIFIED = 4 * MIB
MAX_PICKLE_STACK = 250_000
MAX_INTEGER_BYTES = 1024
# Containers of a pickle that are reached again, each time written out again.
MAX_REPEATS = 200_000
LONG_TEXT = 4096

MAX_MEMBERS = 250_000
MAX_DIRECTORY = 64 * MIB
MAX_INFLATED = 16 * MIB
MAX_INFLATE_RATIO = 200

# The format allows 100 MB; what fits MAX_TENSORS takes a third of that.
MAX_SAFETENSORS_HEADER = 32 * MIB
MAX_JSON = 32 * MIB
MAX_NPY_HEADER = 64 * 1024
MAX_SHARDS = 16_384
MAX_CHUNKS = 1_000_000
MAX_ARRAYS = 50_000
MAX_VALUES = 10_000
# Comparisons of rectangles that do not lie on a grid, over all tensors of a checkpoint.
MAX_COMPARISONS = 300_000
# Characters of long texts in a tree, each time that they are reached.
MAX_TEXT = 64 * MIB
