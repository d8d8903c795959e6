"""The released network reproduced: recorded fixtures, and transformers' class where that one is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from onlooker.methods.parity import run_parity

torch.set_num_threads(1)

FIXTURES = ("divided", "divided_resized", "joint", "space_only")


@pytest.mark.real
@pytest.mark.parametrize("name", FIXTURES)
def test_every_recorded_tensor_is_reproduced(parity: Path, name: str) -> None:
    (result,) = run_parity(parity / "timesformer" / name)
    assert result.method == "timesformer"
    assert result.status == "within", [output for output in result.outputs if not output.within]
    assert result.uncompared == ()
    assert {"logits", "features", "tokens_into_block0", "tokens_after_block0"} <= {o.name for o in result.outputs}
    assert all(output.tolerance.absolute == 1e-5 for output in result.outputs)
    assert result.max_absolute < 1e-5
