"""The released networks reproduced, kept time steps included."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from onlooker.methods.parity import run_parity

torch.set_num_threads(1)


@pytest.mark.real
@pytest.mark.parametrize("name", ["separable", "separable_merge_later", "compact"])
def test_every_recorded_tensor_is_reproduced(parity: Path, name: str) -> None:
    (result,) = run_parity(parity / "vidtr" / name)
    assert result.method == "vidtr"
    assert result.status == "within", [output for output in result.outputs if not output.within]
    assert result.uncompared == ()
    assert result.max_absolute < 2e-5
    names = {output.name for output in result.outputs}
    assert {"logits", "tokens_into_layer0", "layer0_attn_out", "tokens_after_layer2"} <= names
    assert ("layer2_kept_index" in names) == (name == "compact")
