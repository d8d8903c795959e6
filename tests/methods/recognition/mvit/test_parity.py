"""pytorchvideo's network reproduced."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from onlooker.errors import ConfigError
from onlooker.methods.parity import run_parity
from onlooker.methods.recognition.mvit.parity import config_of

torch.set_num_threads(1)


@pytest.mark.real
def test_every_recorded_tensor_is_reproduced(parity: Path) -> None:
    (result,) = run_parity(parity / "pytorchvideo" / "mvit")
    assert result.method == "mvit"
    assert result.status == "within"
    assert result.uncompared == ()
    assert {output.name for output in result.outputs} == {"block0", "block1", "block2", "output"}
    assert result.max_absolute < 1e-5


@pytest.mark.real
def test_options_that_no_published_model_has_are_refused(parity: Path, tmp_path: Path) -> None:
    described = json.loads((parity / "pytorchvideo" / "mvit" / "config.json").read_text())
    for change in ({"pool_first": True}, {"cls_embed_on": False}, {"conv_patch_embed_padding": [0, 0, 0]}):
        with pytest.raises(ConfigError, match=next(iter(change))):
            config_of({"all_arguments": {**described["all_arguments"], **change}})


@pytest.mark.real
def test_a_changed_weight_is_noticed(parity: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "mvit"
    shutil.copytree(parity / "pytorchvideo" / "mvit", folder)
    state = load_file(folder / "weights.safetensors")
    state["blocks.3.mlp.fc2.bias"][0] += 0.1
    (folder / "weights.safetensors").chmod(0o644)
    folder.chmod(0o755)
    save_file(state, folder / "weights.safetensors")
    (result,) = run_parity(folder)
    assert result.status == "over"
    assert [output.name for output in result.outputs if not output.within] == ["output"]
