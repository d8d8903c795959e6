"""From a video to normalised views, and from logits to a prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from onlooker.errors import ConfigError, MediaError
from onlooker.methods.recognition.clips import read_clip, to_views, window
from onlooker.methods.recognition.prediction import Prediction, classify
from onlooker.methods.recognition.timesformer import Config, TimeSformer
from onlooker.weights.inputs import InputSpec

torch.set_num_threads(1)
SPEC = InputSpec(frames=4, stride=5, rate=10.0, short_side=8, crop=8, views=3)


def frames(count: int, height: int = 8, width: int = 16) -> np.ndarray:
    """Every pixel of frame i is i."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, height, width, 3)).copy()


def test_an_array_is_sampled_in_the_middle_of_equal_parts() -> None:
    assert read_clip(frames(20), SPEC)[:, 0, 0, 0].tolist() == [2, 7, 12, 17]
    assert read_clip(frames(4), SPEC)[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert read_clip(frames(2), SPEC)[:, 0, 0, 0].tolist() == [0, 0, 1, 1]
    tensor = torch.from_numpy(frames(20)).permute(0, 3, 1, 2)
    assert np.array_equal(read_clip(tensor, SPEC), read_clip(frames(20), SPEC))


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 8, 8, 3), np.float32), np.zeros((4, 3, 8, 8), np.uint8), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_other_arrays_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="uint8 RGB"):
        read_clip(wrong, SPEC)


def test_window_is_the_middle_and_never_leaves_the_video() -> None:
    assert window(10.0, SPEC) == (4.0, 6.0)
    assert window(1.5, SPEC) == (0.0, 1.5)
    assert window(10.0, replace(SPEC, sampling="segments")) == (0.0, 10.0)


@pytest.mark.parametrize("tall", [False, True])
def test_views_lie_left_centre_right_along_the_long_side(tall: bool) -> None:
    images = np.zeros((2, 8, 16, 3), np.uint8)
    images[..., 0] = np.arange(16)
    images = images.transpose(0, 2, 1, 3) if tall else images
    views = to_views(images, replace(SPEC, mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255)))
    assert views.shape == (3, 2, 3, 8, 8)
    red = views[:, 0, 0].transpose(1, 2) if tall else views[:, 0, 0]
    assert_close(red[:, 0, 0], torch.tensor([0.0, 4.0, 8.0]))
    (single,) = to_views(images, replace(SPEC, views=1, mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255)))
    assert_close(single, views[1])


def test_normalisation_and_channel_order() -> None:
    images = np.zeros((1, 8, 8, 3), np.uint8)
    images[..., 2] = 255
    (view,) = to_views(images, replace(SPEC, views=1, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.5)))
    assert view[0, :, 0, 0].tolist() == [-2.0, -2.0, 1.0]
    (swapped,) = to_views(images, replace(SPEC, views=1, channels="bgr", mean=(0.5,) * 3, std=(0.5,) * 3))
    assert swapped[0, :, 0, 0].tolist() == [1.0, -1.0, -1.0]


@pytest.mark.parametrize("size", [(31, 47), (100, 9), (8, 8), (9, 8)])
def test_every_size_gives_square_crops(size: tuple[int, int]) -> None:
    assert to_views(np.zeros((2, *size, 3), np.uint8), SPEC).shape == (3, 2, 3, 8, 8)


class Brightness(nn.Module):
    """Logits that depend on the mean of a clip."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, -1.0]))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        assert not self.training
        return clip.mean((1, 2, 3, 4))[:, None] * self.weight


def test_scores_are_the_mean_of_each_views_softmax() -> None:
    images = np.zeros((4, 8, 24, 3), np.uint8)
    images[:, :, 16:] = 255
    model = Brightness().train()
    prediction = classify(model, images, SPEC, ("bright", "dark"))
    values = torch.tensor([-2.0, -2.0, (1 - 0.45) / 0.225])
    expected = torch.stack((values, -values), dim=1).softmax(1).mean(0)
    assert_close(torch.from_numpy(prediction.scores), expected)
    assert prediction.top(1)[0][0] == ("bright" if expected[0] > 0.5 else "dark")
    assert model.training


def test_top_is_stable_and_numbers_unnamed_classes() -> None:
    assert Prediction(np.array([0.2, 0.4, 0.4], np.float32)).top(2) == [
        ("1", pytest.approx(0.4)),
        ("2", pytest.approx(0.4)),
    ]


def test_a_text_file_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("hello")
    model = TimeSformer(Config(frames=2, size=16, patch=8, dim=16, depth=1, heads=1, classes=3))
    with pytest.raises(MediaError, match=r"a\.mp4"):
        model.predict(tmp_path / "a.mp4")


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["action_basketball.mp4", "action_eye_makeup.avi", "odd_vfr_people.mp4", "sign_eat.mkv"]
)
def test_real_clips(clips: Path, name: str) -> None:
    model = TimeSformer(Config(frames=4, size=32, patch=8, dim=16, depth=1, heads=2, classes=7))
    first, again = (model.predict(clips / name).scores for _ in range(2))
    assert first.shape == (7,)
    assert first.sum() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(first, again)


def test_several_clips_are_spread_over_a_video_and_averaged(tmp_path: Path) -> None:
    from onlooker.methods.recognition.clips import read_clips, windows
    from onlooker.video.writer import VideoWriter

    path = tmp_path / "grey.mp4"
    with VideoWriter(path, 32, 16, rate=10.0) as writer:
        for k in range(100):
            writer.write(np.full((16, 32, 3), 2 * k, np.uint8))
    clips = read_clips(path, SPEC, 5)
    brightness = [clip.mean() for clip in clips]  # follows the moment
    np.testing.assert_allclose(brightness, [20, 60, 100, 140, 180], atol=8)
    assert windows(10.0, SPEC, 5)[0] == (0.0, 2.0)
    assert windows(10.0, SPEC, 5)[-1] == (8.0, 10.0)
    assert len(read_clips(path, replace(SPEC, sampling="segments"), 5)) == 1
    assert len(read_clips(frames(20), SPEC, 5)) == 1
    with pytest.raises(ConfigError, match="at least one"):
        read_clips(path, SPEC, 0)
    model = _Bright()
    several = classify(model, path, SPEC, ("dark", "bright"), clips=5).scores
    single = [classify(model, clip, SPEC, ()).scores for clip in clips]
    np.testing.assert_allclose(several, np.mean(single, axis=0), atol=1e-6)


def test_labels_that_hold_together_are_scored_each_on_its_own() -> None:
    model = _Bright()
    model.multi_label = True  # type: ignore[assignment]
    scores = classify(model, frames(20), SPEC, ()).scores
    logits = _Bright()(to_views(read_clip(frames(20), SPEC), SPEC)[:1]).detach().numpy()[0]
    assert scores.sum() != pytest.approx(1)
    assert scores[0] == pytest.approx(1 / (1 + np.exp(-logits[0])), abs=1e-3)


class _Bright(nn.Module):
    """Two logits from the mean of a clip."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([-1.0, 2.0]))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return clip.mean(dim=(1, 2, 3, 4))[:, None] * self.weight
