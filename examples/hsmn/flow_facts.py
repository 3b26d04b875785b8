"""What must hold between text, model and checkpoint: held to before the first step.

A rule sees a config; what a tokenizer learnt, what a stream made and what a checkpoint keeps it
cannot see. Here is the rest: each mismatch ends the run with what there is, what there should be
and what helps, before anything is written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from examples.common.flow import Say, Stop

from .flow_data import Material, Part, takes_bundles
from .hd.encoder import drawn_dim
from .hd.tables import kind_of
from .tokenizer import AdaptiveQWT
from .tokenizer.codebook import Codebook

if TYPE_CHECKING:
    from schemas.hsmn.v5 import Config

    from .model import Hsmn

DEAD = 2
"""Times the tokenizer's ids from which on most rows of a model are of no use."""
GOAL = 0.5
"""Share of its goal below which a vocabulary is worth a word."""
KEYS = "hd.position_keys"
ENCODED = ("seed", "keys", "ctqw_steps")
"""Settings of `data.hd` that decide, with the base table, what a bundle means."""


class Kept(NamedTuple):
    """What a checkpoint keeps beside its tensors.

    Attributes:
        codebook: which texts its ids stand for.
        hd: its config's section `data.hd`; empty where it keeps none.
        ids: its config's vocabulary; None where it keeps none.
        keys: what its bundles were unbound with, [length, hd]; None where ids come in.
    """

    codebook: Codebook
    hd: dict[str, Any]
    ids: int | None
    keys: Tensor | None


def kept(path: Path) -> Kept:
    """What a checkpoint of this trainer keeps beside its tensors.

    Raises:
        Stop: it cannot be read, is of another version, keeps no codebook, so that nobody knows
            what its ids mean, or one of another vocabulary than its rows.
        ValueError: the codebook is malformed.
    """
    from safetensors import SafetensorError, safe_open

    from .saving import STAMP, hold_codebook

    try:
        with safe_open(path, "pt") as file:
            about, keys = file.metadata() or {}, None
            if KEYS in file.keys():  # noqa: SIM118
                keys = file.get_tensor(KEYS)
    except (OSError, SafetensorError) as error:
        raise Stop(f"{path}: cannot be read as safetensors: {error}", 2) from error
    said = _section(json.loads(about.get("cfgmig", "{}")))
    stamp = "/".join(str(said[key]) for key in ("family", "version") if key in said)
    if stamp and stamp != STAMP:
        raise Stop(
            f"{path}: it is of {stamp}, and this trainer reads {STAMP}\n"
            "  help: `cfgmig checkpoint convert` brings weights to another version",
            3,
        )
    text = about.get("codebook")
    if text is None:
        raise Stop(
            f"{path}: keeps no codebook, so nothing says what its ids stand for\n"
            "  help: begin with a checkpoint that `python -m examples.hsmn.train` wrote, or with"
            " what `cfgmig checkpoint convert` made of one",
            3,
        )
    found = _section(json.loads(about.get("config", "{}")))
    ids = _section(found.get("tokenizer")).get("active_vocab_size")
    hd = _section(_section(found.get("data")).get("hd"))
    codebook = Codebook.from_json(json.loads(text))
    hold_codebook(path, codebook)
    return Kept(codebook, hd, ids, keys)


def _section(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def hold_vocabulary(config: Config, tokenizer: AdaptiveQWT, path: Path, say: Say) -> None:
    """A trained tokenizer against its limit and its model.

    Args:
        config: as the file has it: `active_vocab_size` is the goal.
        tokenizer: trained.
        path: the config, for messages.
        say: takes warnings: dead rows, and a goal that the text is too small for.

    Raises:
        Stop: a codebook's bytes begin elsewhere, or ids are beyond the tokenizer's limit or the
            model's rows.
    """
    ids, learnt = tokenizer.vocab_size, len(tokenizer.codebook.words)
    if tokenizer.byte_offset != config.tokenizer.byte_offset:
        raise Stop(
            f"{path}: the codebook begins with {tokenizer.base} ids (byte_offset"
            f" {tokenizer.byte_offset}); tokenizer.byte_offset is {config.tokenizer.byte_offset}\n"
            f"  help: set `tokenizer.byte_offset: {tokenizer.byte_offset}` and"
            f" `tokenizer.base_vocab: {tokenizer.base}`",
            3,
        )
    goal = config.tokenizer.active_vocab_size or ids
    if learnt > tokenizer.capacity:
        raise Stop(
            f"{path}: the tokenizer has {learnt:,} words; its limit of {tokenizer.limit:,} ids"
            f" leaves room for {tokenizer.capacity:,}\n"
            f"  help: raise `tokenizer.max_vocab_size` and `active_vocab_size` to {ids}, or cut"
            " the codebook",
            3,
        )
    if config.model.vocab_source == "config":
        if ids > goal:
            raise Stop(
                f"{path}: the tokenizer has {ids:,} ids, the model rows for {goal:,}\n"
                f"  help: set `tokenizer.active_vocab_size: {ids}`, or"
                " `model.vocab_source: tokenizer`",
                3,
            )
        if goal > DEAD * ids:
            say(
                f"warning: {path}: the model has rows for {goal:,} ids, and only {ids:,} ever"
                f" occur; set `tokenizer.active_vocab_size: {ids}`, or"
                " `model.vocab_source: tokenizer`"
            )
    if ids < GOAL * tokenizer.limit:
        say(
            f"warning: {path}: the text gave {ids:,} of the {tokenizer.limit:,} ids asked for;"
            f" lower `tokenizer.min_freq` (it is {config.tokenizer.min_freq}), name a larger"
            " text, or ask for fewer"
        )


def hold_source(config: Config, found: Kept, at: Path) -> int | None:
    """What the bundles of a checkpoint are against those that this run makes.

    Args:
        config: as it is built.
        found: what the checkpoint keeps.
        at: the checkpoint, for messages.

    Returns:
        The dimensions that bundles have to be drawn with; another number than `hd_dim` where a
        conversion resized them. None where ids come in, or the checkpoint has no keys.

    Raises:
        Stop: they are encoded otherwise, so the weights would read noise.
    """
    if not takes_bundles(config) or found.keys is None:
        return None
    hd, ids = config.data.hd, config.tokenizer.active_vocab_size or found.codebook.vocab_size
    here = hd.model_dump() | {"base_table": kind_of(ids, hd.base_table)}
    there = {key: found.hd[key] for key in ENCODED if key in found.hd}
    if found.ids is not None and found.hd:
        there["base_table"] = kind_of(found.ids, found.hd.get("base_table"))
    for key, said in there.items():
        if said != here[key]:
            raise Stop(
                f"{at}: its bundles were made with data.hd.{key} {said}, those of this run with"
                f" {here[key]}\n"
                f"  help: set `data.hd.{key}: {said}`",
                3,
            )
    try:
        return drawn_dim(found.keys, ids, hd.seed, hd.keys)
    except ValueError as error:
        raise Stop(
            f"{at}: {error}\n"
            "  help: give `data.hd` the seed and the keys that it was trained with, or begin"
            " without `--from`",
            3,
        ) from error


def hold_material(config: Config, model: Hsmn, given: Material, path: Path) -> None:
    """Inputs, labels and logits against each other, on the first sequence of each part.

    Args:
        config: as it is built.
        model: with the weights that training begins with.
        given: what it will be fed and compared with.
        path: the config, for messages.

    Raises:
        Stop: their shapes or types do not meet, or a label has no logit.
    """
    for name, part in (("train", given.train), ("held out", given.held_out)):
        _inputs(config, part, f"{path}: {name}")
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            logits: Tensor = model.eval()(part.inputs[:1])
        model.train()
        _labels(config, part, logits, f"{path}: {name}")


def _inputs(config: Config, part: Part, where: str) -> None:
    x = part.inputs
    if takes_bundles(config):
        width = config.model.adapter.hd_dim if config.model.adapter else 0
        fits = x.dtype == torch.float32 and x.dim() == 2 and x.shape[1] == width
        wanted = f"bundles, float32 (batch, {width})"
    else:
        fits = x.dtype in (torch.int32, torch.int64) and x.dim() == 2
        wanted = "ids, integers (batch, length)"
    if not fits:
        raise Stop(
            f"{where}: the model takes {wanted}; the data are {_kind(x)}\n"
            "  help: `data.hd.enabled`, `model.input` and `model.adapter.hd_dim` decide both;"
            " `cfgmig check` says which of them disagree",
        )


def _labels(config: Config, part: Part, logits: Tensor, where: str) -> None:
    y, batch = part.labels, config.training.batch_size or len(part)
    shape = (batch, *logits.shape[1:])
    wanted = shape[:-1]
    # A single label belongs to a single position.
    got = (batch, *(y.shape[1:] or ((1,) if wanted[1:] == (1,) else ())))
    if logits.dim() != 3 or got != wanted or y.is_floating_point():
        raise Stop(
            f"{where}: logits {shape} have no label each among {(batch, *y.shape[1:])}"
            f" {_dtype(y)}; they need integers {wanted}\n"
            "  help: set `data.hd.label_mode: full_sequence`; `cfgmig check` says what else"
            " decides the shapes",
        )
    ignore = config.training.loss.ignore_index
    counted = y if ignore is None else y[y != ignore]
    if len(counted) == 0:
        raise Stop(
            f"{where}: no label counts: all {y.numel():,} are {ignore}\n"
            "  help: `training.loss.ignore_index` is the id of padding, 2",
        )
    least, most = int(counted.min()), int(counted.max())
    if least < 0 or most >= logits.shape[-1]:
        raise Stop(
            f"{where}: labels go from {least:,} to {most:,}, and the head has"
            f" {logits.shape[-1]:,} ids\n"
            "  help: set `tokenizer.active_vocab_size` to what the tokenizer has, or"
            " `model.vocab_source: tokenizer`",
        )


def _dtype(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")


def _kind(x: Tensor) -> str:
    return f"{_dtype(x)} {tuple(x.shape)}"
