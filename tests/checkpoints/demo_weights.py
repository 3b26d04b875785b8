"""A small family with weights, written into a folder: four versions, and models that torch trains.

1.0  embed, layers.N.attn.{qkv,out}, norm, proj [size, inner], head, aux
2.0  tok_embed for embed; q, k, v for qkv; without aux
2.1  layers.N.attn.out is kept transposed, which no shape tells
3.0  proj is kept transposed; lm_head for head; other keys around the tensors
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from cfgmig.project import Project, find_project

SIZE, INNER, WORDS, LAYERS, CLASSES = 4, 6, 5, 2, 3
CONFIG = {"dim": SIZE, "layers": LAYERS}
HEAD_CONFIG = {"schema_version": "net/3.0", "model": {"size": SIZE, "layers": LAYERS}}
_NUMBERS = count()

FAMILY = """\
from cfgmig.schema import Family, Has, Version

family = Family(
    name="net",
    title="Net",
    versions=(
        Version("1.0", model=".models:First", evidence=(Has("dim"),)),
        Version("2.0", model=".models:Second", evidence=(Has("width"),)),
        Version("2.1", model=".models:Third", evidence=(Has("size"),)),
        Version("3.0", model=".models:Fourth", evidence=(Has("model.size"),)),
    ),
    rules=None,
    layouts=".layouts:LAYOUTS",
)
"""
MODELS = """\
from pydantic import BaseModel, ConfigDict


class Base(BaseModel):
    model_config = ConfigDict(extra="forbid")


class First(Base):
    dim: int
    layers: int


class Second(Base):
    width: int
    layers: int


class Third(Base):
    size: int
    layers: int


class Model(Base):
    size: int
    layers: int


class Fourth(Base):
    model: Model
    checkpoint: str | None = None
"""
LAYOUTS = """\
from cfgmig.schema.layout import Component, Expectation, Layout, Layouts, Reading, Variant, norm

SQUARE = ("size", "size")
NORM = {
    **norm("norm", "size"),
    "norm.running_mean": ("size",),
    "norm.running_var": ("size",),
    "norm.num_batches_tracked": (),
}


def one(name, tensors, absent=None):
    return Component(name, (Variant(tensors),), absent)


FIRST = Layout(
    "first",
    ("1.0",),
    (
        one("embed", {"embed.weight": ("words", "size")}),
        one(
            "layers",
            {
                "layers.{layers}.attn.qkv.weight": ("triple", "size"),
                "layers.{layers}.attn.out.weight": SQUARE,
            },
        ),
        one("norm", NORM),
        one("proj", {"proj.weight": ("size", "inner")}),
        one("head", {"head.weight": ("words", "inner")}),
        one("aux", {"aux.weight": ("classes", "size"), "aux.bias": ("classes",)}, Variant({})),
    ),
)
SPLIT = {
    f"layers.{{layers}}.attn.{part}.weight": SQUARE for part in ("q", "k", "v", "out")
}


def later(name, versions, head, proj):
    return Layout(
        name,
        versions,
        (
            one("embed", {"tok_embed.weight": ("words", "size")}),
            one("layers", SPLIT),
            one("norm", NORM),
            one("proj", {"proj.weight": proj}),
            one("head", {f"{head}.weight": ("words", "inner")}),
        ),
    )


def expect(config):
    model = config.get("model")
    if not isinstance(model, dict):
        return None
    sizes = {"size": model["size"], "layers": model["layers"], "words": 5, "inner": 6}
    needs = ("embed", "layers", "norm", "proj", "head")
    return Expectation("fourth", {}, sizes, needs, "checkpoint", config.get("checkpoint"))


def probe(before, after):
    name = "embed.weight" if before.layout == "first" else "tok_embed.weight"
    one, two = before.read(name), after.read("tok_embed.weight")
    gap = float(abs(one - two).max())
    return (Reading("the sum", float(one.sum()), float(two.sum()), gap),)


LAYOUTS = Layouts(
    (
        FIRST,
        later("middle", ("2.0", "2.1"), "head", ("size", "inner")),
        later("fourth", ("3.0",), "lm_head", ("inner", "size")),
    ),
    expect=expect,
    probe=".layouts:probe",
)
"""
REVISIONS = {
    "0001_split.py": '''\
"""Queries, keys and values are kept apart."""

from cfgmig.migration import STASH, Convert, Move, Remove, Split

revision = "2.0"
revises = "1.0"
config = [Move("dim", "width")]
checkpoint = [Move("best_loss", "metrics.loss", optional=True)]


def weights(state):
    size = next(one.shape[1] for name, one in state.tensors.items() if name.endswith("bed.weight"))
    parts = tuple(f"layers.*.attn.{part}.weight" for part in "qkv")
    return [
        Move("embed", "tok_embed"),
        Convert("layers.*.attn.qkv.weight", Split(parts, (size,) * 3)),
        Remove("aux", STASH, optional=True),
    ]
''',
    "0002_turn.py": '''\
"""The output of attention is kept transposed."""

from cfgmig.migration import Convert, Move, Transposed

revision = "2.1"
revises = "2.0"
config = [Move("width", "size")]
weights = [Convert("layers.*.attn.out.weight", Transposed())]
''',
    "0003_head.py": '''\
"""The head has its usual name, and so have the containers."""

from cfgmig.migration import Convert, Move, Transposed

revision = "3.0"
revises = "2.1"
config = [Move("size", "model.size"), Move("layers", "model.layers")]
weights = [Convert("proj.weight", Transposed()), Move("head", "lm_head")]
checkpoint = [
    Move("model", "model_state_dict", optional=True),
    Move("optimizer", "optim", optional=True),
]
''',
}
ADAPTATIONS = {
    "0001_deepen.py": '''\
"""Adds layers that give back what they get."""

from cfgmig.migration import Add, preserving
from checkpoint_tools.plan import Init

settings = ("layers",)
guarantee = preserving(0.0, "the logits")


def weights(state):
    have, want = state.dimensions["layers"], state.wanted_dimensions["layers"]
    if want < have:
        return None
    size = state.dimensions["size"]
    names = [f"layers.{number}.attn" for number in range(have, want)]
    made = {
        part: Init("float32", (size, size), "normal", scale=0.02, seed=7) for part in "qkv"
    } | {"out": Init("float32", (size, size))}
    return [Add(f"{name}.{part}.weight", init) for name in names for part, init in made.items()]
''',
}


def build(
    folder: Path,
    changed: Mapping[str, tuple[str, str]] | None = None,
    adaptations: Mapping[str, str] = ADAPTATIONS,
) -> Project:
    """The family in a project of its own.

    Args:
        folder: an empty one.
        changed: file -> a text in it, and what stands there instead.
        adaptations: file -> text.
    """
    # A package of schemas is imported by its name, so each project has another one.
    schemas = f"net_schemas_{next(_NUMBERS)}"
    files = {
        "pyproject.toml": f'[tool.cfgmig]\nschemas = "{schemas}"\n',
        f"{schemas}/net/__init__.py": FAMILY,
        f"{schemas}/net/models.py": MODELS,
        f"{schemas}/net/layouts.py": LAYOUTS,
        **{f"migrations/net/{name}": text for name, text in REVISIONS.items()},
        **{f"migrations/net/adaptations/{name}": text for name, text in adaptations.items()},
    }
    texts = dict(files)
    for file, (old, new) in (changed or {}).items():
        path = next(path for path in texts if path.endswith(file))
        assert old in texts[path]
        texts[path] = texts[path].replace(old, new)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return find_project(folder)


def arrays(layers: int = LAYERS, seed: int = 1) -> dict[str, Any]:
    """The tensors of a model of 1.0."""
    import numpy as np

    draw = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"embed.weight": (WORDS, SIZE)}
    for number in range(layers):
        shapes[f"layers.{number}.attn.qkv.weight"] = (3 * SIZE, SIZE)
        shapes[f"layers.{number}.attn.out.weight"] = (SIZE, SIZE)
    for name in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"norm.{name}"] = (SIZE,)
    made: dict[str, Any] = {
        name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()
    }
    made["norm.num_batches_tracked"] = np.array(3, np.int64)
    for name, shape in {
        "proj.weight": (SIZE, INNER),
        "head.weight": (WORDS, INNER),
        "aux.weight": (CLASSES, SIZE),
        "aux.bias": (CLASSES,),
    }.items():
        made[name] = draw.normal(size=shape).astype(np.float32)
    return made


def upgraded(old: Mapping[str, Any], to: str = "3.0") -> dict[str, Any]:
    """The same model as numpy brings it to a later version."""
    import numpy as np

    made: dict[str, Any] = {}
    for name, array in old.items():
        if name.startswith("aux."):
            continue
        if name.endswith("qkv.weight"):
            for part, one in zip("qkv", np.split(array, 3), strict=True):
                made[name.replace("qkv", part)] = one
        else:
            made["tok_embed.weight" if name == "embed.weight" else name] = array
    if to == "2.0":
        return made
    for name, array in made.items():
        if name.endswith("out.weight"):
            made[name] = array.T
    if to == "2.1":
        return made
    made["proj.weight"] = made["proj.weight"].T
    return {name.replace("head.", "lm_head."): array for name, array in made.items()}


def save(path: Path, tensors: Mapping[str, Any], **around: Any) -> Path:
    """A .pt file: bare tensors, or under `model` with other keys beside it."""
    import torch

    state = {name: torch.from_numpy(array.copy()) for name, array in tensors.items()}
    torch.save({"model": state, **around} if around else state, path)
    return path
