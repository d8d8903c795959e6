"""The released classifier reproduced: the recorded fixture, and transformers' class with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from onlooker.methods.parity import run_parity
from onlooker.methods.recognition.videomae import Config, VideoMae
from onlooker.methods.recognition.videomae.convert import HUGGING_FACE, convert, split_query_key_value
from onlooker.weights.loading import load_weights

torch.set_num_threads(1)

SMALL = Config(frames=6, size=24, patch=8, dim=48, depth=3, heads=4, mlp_ratio=3, classes=6)


@pytest.mark.real
def test_the_recorded_features_and_logits_are_reproduced(parity: Path) -> None:
    (result,) = run_parity(parity / "videomae_base" / "classifier")
    assert result.method == "classifier"
    assert result.status == "within"
    assert {output.name for output in result.outputs} == {"features", "logits"}
    assert result.uncompared == ()
    assert result.max_absolute < 1e-5


def peer(transformers: Any, config: Config) -> Any:
    """transformers' model of the same size; its default norm_eps is not VideoMAE's."""
    described = transformers.VideoMAEConfig(
        image_size=config.size, patch_size=config.patch, num_frames=config.frames, tubelet_size=config.tubelet,
        hidden_size=config.dim, num_hidden_layers=config.depth, num_attention_heads=config.heads,
        intermediate_size=int(config.dim * config.mlp_ratio), num_labels=config.classes, layer_norm_eps=1e-6,
        use_mean_pooling=True,
    )  # fmt: skip
    return transformers.VideoMAEForVideoClassification(described).eval()


def test_transformers_class_computes_the_same() -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra [hub]")
    model, theirs = VideoMae(SMALL).eval(), peer(transformers, SMALL)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    state = {key: value for key, value in theirs.state_dict().items() if not key.endswith("position_embeddings")}
    done = convert(state, settings={"frames": 6, "size": 24, "heads": 4})
    assert done.layout == "hugging_face"
    assert Config(**{**done.config, "drop_path": SMALL.drop_path}) == SMALL
    load_weights(model, done.state)
    clip = torch.randn(2, 6, 3, 24, 24, generator=generator)
    with torch.no_grad():
        assert_close(model(clip), theirs(pixel_values=clip).logits, atol=1e-5, rtol=1e-4)
    back = HUGGING_FACE.export(split_query_key_value(model.state_dict()))
    # version 5 of transformers calls the biases otherwise than the published files do
    named = {key.replace("query.bias", "q_bias").replace("value.bias", "v_bias"): value for key, value in state.items()}
    assert back.keys() == named.keys()
    assert all(torch.equal(back[key], named[key]) for key in named)
