"""What a conversion makes of which tensors, proven before the first byte is written."""

from __future__ import annotations

from checkpoint_tools.plan.errors import Irreversible, LossError, PlanError
from checkpoint_tools.plan.expressions import (
    Cast,
    Compute,
    Concat,
    Expr,
    Init,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Slice,
    Stack,
    Take,
    Transpose,
    describe,
    split,
)
from checkpoint_tools.plan.plan import Plan, compose, identity_plan, plan_of, rename_plan
from checkpoint_tools.plan.proof import Output, Prepared, prepare
from checkpoint_tools.plan.resolve import Type, types_of
from checkpoint_tools.plan.reverse import reverse_plan

__all__ = [
    "Cast",
    "Compute",
    "Concat",
    "Expr",
    "Init",
    "Irreversible",
    "LossError",
    "Output",
    "Pad",
    "Permute",
    "Plan",
    "PlanError",
    "Prepared",
    "Repeat",
    "Reshape",
    "Slice",
    "Stack",
    "Take",
    "Transpose",
    "Type",
    "compose",
    "describe",
    "identity_plan",
    "plan_of",
    "prepare",
    "rename_plan",
    "reverse_plan",
    "split",
    "types_of",
]
