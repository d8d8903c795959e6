"""Where a model looks: on the frames that it saw, in its own share, as a picture that opens."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from onlooker.analysis.attention_sheet import draw_attention, save_attention
from onlooker.errors import ConfigError
from onlooker.methods.recognition.attention_maps import attend
from onlooker.methods.recognition.timesformer import Config, TimeSformer


class _Looker(TimeSformer):
    """Looks at the brightest patch, at half the moments."""

    def attention_map(self, clip):
        patches = clip.mean(dim=2).unflatten(-1, (4, 8)).unflatten(-3, (4, 8)).mean(dim=(-1, -3))
        moments = patches.unflatten(1, (-1, 2)).mean(dim=2)
        return (moments >= moments.amax(dim=(1, 2, 3), keepdim=True)).float()


@pytest.fixture
def model():
    config = Config(frames=4, size=32, patch=8, dim=12, depth=1, heads=2, classes=3)
    return _Looker(config, generator=torch.Generator().manual_seed(0)).eval()


def _video():
    frames = np.full((4, 32, 32, 3), 60, np.uint8)
    frames[2:, 8:16, 24:32] = 220
    return frames


def test_the_map_lies_on_the_frames_that_were_seen(model):
    found = attend(model, _video())
    assert np.abs(found.frames.astype(int) - _video()).max() <= 1
    assert found.shares.shape == (4, 4, 4)
    assert found.shares.mean() == pytest.approx(1)
    assert set(zip(*np.nonzero(found.shares), strict=True)) == {(2, 1, 3), (3, 1, 3)}
    assert found.prediction.scores.sum() == pytest.approx(1, abs=1e-5)


def test_the_sheet_is_hot_where_the_model_looks(model, tmp_path):
    path = save_attention(attend(model, _video()), tmp_path / "sheet.png")
    sheet = cv2.imread(str(path))[..., ::-1].astype(int)
    assert sheet.shape == (6 + 2 * 192 + 6, 4 * (192 + 6) + 6, 3)
    third = sheet[6 + 192 :, 6 + 2 * 198 :][:192, :192]
    hot, cold = third[72, 168], third[150, 40]
    assert hot[0] - hot[2] > 60  # red
    assert np.ptp(cold) < 12
    assert draw_attention(attend(model, _video())).dtype == np.uint8


def test_rollout_is_what_timesformer_tells(model):
    plain = TimeSformer(model.config, generator=torch.Generator().manual_seed(1))
    found = attend(plain, _video())
    assert found.shares.shape == (4, 4, 4)
    assert plain.training  # left as it was


def test_a_model_without_a_map_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match="Linear cannot say where it looks"):
        attend(torch.nn.Linear(1, 1), _video())


def test_the_suffix_is_checked(model, tmp_path):
    with pytest.raises(ConfigError, match=r"\.png"):
        save_attention(attend(model, _video()), tmp_path / "sheet.gif")
