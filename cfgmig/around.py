"""What lies around the tensors of a checkpoint, before and after a conversion.

It is plain data to a revision's `checkpoint` operations; the state dicts in it are opaque while
they are applied, and move with their keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import CfgmigError, Refused
from cfgmig.states import OPTIMIZER, STAMP, STASH, State, as_data, beside, states

if TYPE_CHECKING:
    from cfgmig.converting import Request
    from cfgmig.migration.on_weights import StateDict
    from cfgmig.project import Project
    from cfgmig.recognising import Inside
    from cfgmig.routing import Journey
    from checkpoint_tools import Checkpoint
    from checkpoint_tools.plan import Expr


class Held(NamedTuple):
    """Stands for a state dict while operations move what is around it."""

    state: State


class Around:
    """What lies around a model's tensors, before and after."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        project: Project,
        request: Request,
        model: State,
        journey: Journey | None,
        state: StateDict | None,
    ) -> None:
        from checkpoint_tools.writing import tree_of

        self.checkpoint = checkpoint
        self.project = project
        self.request = request
        self.model = model
        self.journey = journey
        self.state = state
        self.states = {state.key: state for state in states(checkpoint) if state.key}
        tree = tree_of(checkpoint)
        self.is_nested = isinstance(tree, dict) and isinstance(tree.get(model.key), dict)
        self.tree = tree if isinstance(tree, dict) else {}
        for key, value in self.tree.items():
            # One that has not stepped yet, or keeps no moments, has no tensor to be found by.
            if OPTIMIZER.search(str(key)) and key not in self.states and _is_optimizer(value):
                self.states[key] = State(key, "optimizer", {}, {})
        self.gone: set[str] = set()
        self.notes: list[str] = []

    def put_together(
        self, made: Mapping[str, Expr]
    ) -> tuple[dict[str, Expr], object, dict[str, str]]:
        """Outputs by name, the tree around them, and texts for formats without a tree."""
        if not self.is_nested or (self.request.model_only and self.request.format != "torch"):
            return self._bare(made)
        data = {
            key: Held(self.states[key]) if key in self.states else value
            for key, value in self.tree.items()
            if not self._is_left_out(key)
        }
        data = self._migrated(data)
        outputs: dict[str, Expr] = {}
        tree = self._rebuilt(data, "", made, outputs)
        if not outputs.keys() >= {f"{self._home(data)}{name}" for name in made}:
            raise Refused(
                "the operations around the tensors lose the model's state dict", kind="migration"
            )
        return outputs, tree, {}

    def _is_left_out(self, key: str) -> bool:
        state = self.states.get(key)
        if state is None or state == self.model or not self.request.model_only:
            return False
        self.gone.update(state.names.values())
        return True

    def _bare(self, made: Mapping[str, Expr]) -> tuple[dict[str, Expr], object, dict[str, str]]:
        """Tensors without a tree: under their own names, the rest as texts of JSON."""
        from checkpoint_tools.plan import Take

        keep_key = bool(self.model.key) and not self.request.model_only
        prefix = f"{self.model.key}." if keep_key else ""
        outputs = {f"{prefix}{name}": expr for name, expr in made.items()}
        others = set(self.checkpoint.tensors) - set(self.model.names.values())
        others -= {name for name in others if name.startswith(STASH)}
        if self.request.model_only:
            self.gone |= others
        else:
            outputs |= {name: Take(name) for name in self.checkpoint.tensors if name in others}
        data = {k: v for k, v in beside(self.checkpoint).items() if k not in self.states}
        texts = {key: _text(value) for key, value in self._migrated(data).items()}
        return outputs, None, texts

    def _migrated(self, data: dict[str, Any]) -> dict[str, Any]:
        """The revisions' operations on what lies around the tensors, and on the config inside."""
        from cfgmig.migration.on_data import apply
        from cfgmig.migration.site import Site
        from cfgmig.recognising import config_inside, declarations

        if self.journey is None:
            return data
        data.pop(STAMP, None)
        site = Site(self.checkpoint.name)
        for step in self.journey.steps:
            site.origin, site.goal = step.origin, step.goal
            data = apply(step.revision.on_checkpoint(up=step.up), data, site=site)
        inside = config_inside(as_data(data), self.project, declarations(self.project))
        if inside is not None:
            self._migrate_config(data, inside, self.journey)
        self._exchange_config(data, inside.key if inside is not None else "config", self.journey)
        return data

    def _migrate_config(self, data: dict[str, Any], inside: Inside, journey: Journey) -> None:
        """The config inside goes the way of any other one; one that cannot stays as it is."""
        from cfgmig.recognising import plain
        from cfgmig.upgrading import Options, upgrade_document

        if not inside.name.startswith(f"{journey.family}/"):
            self.notes.append(f"`{inside.key}` stays as it is: {inside.sentence}")
            return
        try:
            done = upgrade_document(
                json.dumps(plain(data[inside.key])),
                f"{inside.key}.json",
                self.project,
                Options(to=journey.goal),
            )
        except CfgmigError as error:
            self.notes.append(f"`{inside.key}` stays as it is: {error.message}")
            return
        except TypeError as error:
            # Paths, types and the like, which pickles keep and no config file can.
            self.notes.append(f"`{inside.key}` stays as it is: {error}")
            return
        data[inside.key] = done.document.data
        self.notes.append(
            f"`{inside.key}` is brought from {done.report.from_version} to {journey.goal}"
        )

    def _exchange_config(self, data: dict[str, Any], key: str, journey: Journey) -> None:
        """Weights that were adapted to a config carry that one: a loader builds what it says."""
        goal = self.request.goal
        adapted = any(stage.kind == "adaptation" for stage in journey.stages)
        if goal is None or goal.config is None or not adapted:
            return
        if key in data:
            data[f"{key}_before"] = data[key]
            self.notes.append(
                f"`{key}` is now the one that the weights are for; before: {key}_before"
            )
        family = self.project.source(journey.family).family
        data[key] = {family.stamp_key: family.stamp(journey.goal), **goal.config}

    def _home(self, data: Any, prefix: str = "") -> str | None:
        """The dotted key, with a dot behind it, under which the model stands now."""
        for key, value in data.items() if isinstance(data, dict) else ():
            if isinstance(value, Held) and value.state == self.model:
                return f"{prefix}{key}."
            found = self._home(value, f"{prefix}{key}.")
            if found is not None:
                return found
        return None

    def _rebuilt(
        self, value: Any, prefix: str, made: Mapping[str, Expr], outputs: dict[str, Expr]
    ) -> Any:
        """The tree with its state dicts in place; `outputs` receives their tensors."""
        from checkpoint_tools.plan import Take
        from checkpoint_tools.writing.tree import names_in

        if isinstance(value, Held):
            return self._unfolded(value.state, prefix, made, outputs)
        if type(value) is dict:
            return {
                key: self._rebuilt(item, f"{prefix}.{key}" if prefix else str(key), made, outputs)
                for key, item in value.items()
            }
        # Nothing else holds a state dict: it stays what it is, down to its type.
        outputs |= {name: Take(name) for name in names_in(value)}
        return value

    def _unfolded(
        self, state: State, key: str, made: Mapping[str, Expr], outputs: dict[str, Expr]
    ) -> Any:
        from checkpoint_tools.pickle_values import Ordered
        from checkpoint_tools.writing import TensorAt

        if state == self.model:
            outputs |= {f"{key}.{name}": expr for name, expr in made.items()}
            return Ordered((name, TensorAt(f"{key}.{name}")) for name in made)
        if state.role == "optimizer" and self.state is not None:
            return self._followed(self.state, state, key, outputs)
        return self._rebuilt(self.tree[state.key], key, made, outputs)

    def _followed(self, made: StateDict, state: State, key: str, outputs: dict[str, Expr]) -> Any:
        """An optimizer's state for the new parameters."""
        from cfgmig.moments import follow, is_parameter
        from cfgmig.schema.wrappers import strip
        from checkpoint_tools.plan import types_of

        stripped = self.journey.before.stripped if self.journey is not None else ()
        before = {strip(name, stripped): full for name, full in self.model.names.items()}
        tied = {n for n, ref in self.checkpoint.tensors.items() if ref.alias_of is not None}
        types = types_of(self.checkpoint)
        after = {
            name: made.tensors[name]
            for name, type in made.types.items()
            if is_parameter(name, type.dtype)
        }
        found = follow(self.tree[state.key], key, types, before, after, tied)
        self.gone.update(state.names.values())
        if isinstance(found, str):
            self.notes.append(f"`{key}` is left empty: {found}")
            return {}
        outputs |= found.outputs
        if found.fresh:
            self.notes.append(
                f"`{key}`: {len(found.fresh)} parameters are made anew and begin without state"
            )
        return found.tree


def _is_optimizer(value: object) -> bool:
    return isinstance(value, dict) and {"state", "param_groups"} <= value.keys()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    from cfgmig.recognising import plain

    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)
