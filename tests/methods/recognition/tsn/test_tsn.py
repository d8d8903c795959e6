"""Consensus over segments, image weights, and what the experiment's dense clip cannot see."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from onlooker.methods.conversion import convert
from onlooker.methods.loading import load
from onlooker.methods.recognition.tsn import TSN, Config
from onlooker.methods.recognition.tsn.convert import gluoncv
from onlooker.methods.recognition.tsn.proof import LENGTH, SHOWN, frames_of, make_clips
from onlooker.nn.counting import count_parameters

torch.set_num_threads(1)


def test_the_answer_is_the_mean_of_the_frames_answers() -> None:
    torch.manual_seed(0)
    model = TSN(Config(frames=3, size=32, width=4, depths=(1, 1), classes=5)).eval()
    clip = torch.randn(2, 3, 3, 32, 32)
    frames = torch.stack([model(clip[:, time : time + 1]) for time in range(3)])
    assert_close(model(clip), frames.mean(0), atol=1e-5, rtol=1e-4)


def test_parameters_are_those_of_image_networks() -> None:
    # 11.69, 21.80, 25.56, 44.55 and 60.19 M with 1000 classes, as image networks are usually listed
    for depths, block, millions in (
        ((2, 2, 2, 2), "basic", 11.69),
        ((3, 4, 6, 3), "basic", 21.80),
        ((3, 4, 6, 3), "bottleneck", 25.56),
        ((3, 4, 23, 3), "bottleneck", 44.55),
        ((3, 8, 36, 3), "bottleneck", 60.19),
    ):
        with torch.device("meta"):
            model = TSN(Config(depths=depths, block=block, classes=1000))  # type: ignore[arg-type]
        assert round(count_parameters(model) / 1e6, 2) == millions


def test_image_weights_get_a_time_axis(tmp_path: Path) -> None:
    config = Config(frames=25, width=4, depths=(1, 1, 1, 1), classes=5)
    model = TSN(config).eval()
    state = gluoncv().export(model.state_dict())
    image = {name: value.squeeze(2) if value.ndim == 5 else value for name, value in state.items()}
    assert image["conv1.weight"].shape == (4, 3, 7, 7)
    save_file(image, tmp_path / "resnet.safetensors")
    convert(tmp_path / "resnet.safetensors", "tsn", tmp_path / "w.safetensors")
    clip = torch.randn(1, 2, 3, 32, 32)
    assert torch.equal(load("tsn", tmp_path / "w.safetensors")(clip), model(clip))


def test_segments_always_meet_the_sign_and_the_dense_clip_often_does_not() -> None:
    spread, dense = torch.tensor(frames_of("segments")), torch.tensor(frames_of("dense"))
    met = {"segments": 0, "dense": 0}
    for begin in range(LENGTH - SHOWN + 1):
        for name, frames in (("segments", spread), ("dense", dense)):
            met[name] += bool(((frames >= begin) & (frames < begin + SHOWN)).any())
    assert len(spread) == len(dense)
    assert met["segments"] == LENGTH - SHOWN + 1
    assert met["dense"] < met["segments"] / 2
    assert torch.equal(make_clips(8, 0, [0, 5])[1], make_clips(8, 0, [7, 9])[1])
