"""What each person in a clip does: a clip network read at boxes instead of over the whole picture."""

from __future__ import annotations

from typing import Protocol

from jaxtyping import Float
from torch import Tensor, nn

from onlooker.methods.recognition.convnet import Clip
from onlooker.nn.residual3d import Maps
from onlooker.nn.roi import Boxes, roi_align


class Trunk(Protocol):
    """A clip classifier whose maps before the classifier can be cut: `maps_over_time` gives them, time averaged."""

    dropout: nn.Module
    head: nn.Module

    def maps_over_time(self, clip: Clip) -> Maps:
        """Maps `(batch, channel, 1, height, width)`."""


class ActionDetector(nn.Module):
    """Multi-label action scores of boxes in the middle of a clip, as on AVA.

    `trunk` is a clip network whose last stage keeps its resolution (`dilate_last`): its maps show the picture at
    1 / 16. They are averaged over time, cut out by RoIAlign in a grid of 7x7 of which the maximum counts, and
    classified. Actions are not exclusive: `forward` gives logits, take their sigmoid.

    `boxes` are (index in the batch, x1, y1, x2, y2) in pixels of the clip. `aligned` is RoIAlign's half-pixel shift,
    which the released networks leave out. Raises ConfigError for boxes of another form.

    >>> import torch
    >>> from onlooker.methods.recognition.resnet3d import Config, ResNet3d
    >>> trunk = ResNet3d(Config(frames=2, size=32, width=4, depths=(1, 1), time_kernels=((1,), (3,)), classes=5))
    >>> ActionDetector(trunk)(torch.zeros(1, 2, 3, 32, 32), torch.tensor([[0.0, 4.0, 4.0, 20.0, 28.0]])).shape
    torch.Size([1, 5])
    """

    def __init__(self, trunk: Trunk, *, scale: float = 1 / 16, grid: int = 7, aligned: bool = False) -> None:
        super().__init__()
        self.trunk = trunk
        self.scale, self.grid, self.aligned = scale, grid, aligned

    def forward(self, clip: Clip, boxes: Boxes) -> Float[Tensor, "boxes classes"]:
        maps = self.trunk.maps_over_time(clip).squeeze(2)
        cut = roi_align(maps, boxes, (self.grid, self.grid), scale=self.scale, aligned=self.aligned)
        logits: Tensor = self.trunk.head(self.trunk.dropout(cut.amax(dim=(2, 3))))
        return logits
