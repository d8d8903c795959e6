"""The released network reproduced: recorded fixtures, and transformers' class where that one is right."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from onlooker.methods.parity import run_parity
from onlooker.methods.recognition.timesformer import Config, TimeSformer
from onlooker.methods.recognition.timesformer.config import Attention
from onlooker.methods.recognition.timesformer.convert import hugging_face

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


@pytest.mark.parametrize("attention", ["divided", "joint"])
def test_transformers_class_computes_the_same(attention: Attention) -> None:
    """With square input of the trained length; elsewhere, and for space-only, that class differs by its own faults."""
    transformers = pytest.importorskip("transformers", reason="needs the extra [hub]")
    config = Config(attention=attention, frames=3, size=24, patch=8, dim=32, depth=3, heads=4, mlp_ratio=3, classes=6)
    model = TimeSformer(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    peer = transformers.TimesformerForVideoClassification(
        transformers.TimesformerConfig(
            image_size=24, patch_size=8, num_frames=3, hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
            intermediate_size=96, num_labels=6, attention_type=f"{attention}_space_time",
        )
    ).eval()  # fmt: skip
    peer.load_state_dict(hugging_face(attention).export(model.state_dict()), strict=True)
    clip = torch.randn(2, 3, 3, 24, 24, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(model(clip), peer(pixel_values=clip).logits, atol=1e-5, rtol=1e-4)
