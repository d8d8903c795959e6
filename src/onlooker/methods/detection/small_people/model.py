"""The network: five strides down, three of them summed at stride 8, one heat map and four distances per cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.detection.small_people.config import NOT_IN_FILES, SPECS, STRIDE, VARIANTS, Config
from onlooker.methods.detection.small_people.loss import Parts, detection_loss
from onlooker.weights.inputs import InputSpec

__all__ = ["NOT_IN_FILES", "VARIANTS", "Config", "Found", "SmallPeople", "build", "measure"]

SHARES = (1.0, 0.25)  # of `Config.pixels`, for the looks at a picture
RARE = 0.01  # what a cell's heat is at the start: nearly all cells show no middle of anybody


@dataclass(frozen=True, slots=True)
class Found:
    """People in one picture, best first: `boxes` (n, 4) xyxy in its pixels, `scores` (n,) in [0, 1]."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]


class SmallPeople(nn.Module):
    """A fully convolutional detector in the manner of CenterNet (arXiv:1904.07850) and TTFNet (arXiv:1909.00700).

    `forward` takes normalised pictures `(batch, 3, height, width)`, sides in steps of 32, and gives for every cell of
    8 x 8 pixels the logit of a box's middle and the distances to the box's left, top, right and bottom in cells.

    >>> model = build(Config(widths=(4, 4, 4, 4, 4), neck=4))
    >>> model(torch.zeros(2, 3, 64, 96)).shape
    torch.Size([2, 5, 8, 12])
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.spec: InputSpec = replace(SPECS["default"], short_side=config.size, crop=config.size)
        self.labels: tuple[str, ...] = ("person",)
        widths = config.widths
        self.stem = _unit(3, widths[0], 2)
        self.stages = nn.ModuleList(
            nn.Sequential(_unit(before, after, 2), *(_unit(after, after) for _ in range(depth)))
            for before, after, depth in zip(widths, widths[1:], config.depths, strict=False)
        )
        self.sides = nn.ModuleList(nn.Conv2d(width, config.neck, 1) for width in widths[2:])
        self.meet = _unit(config.neck, config.neck)
        self.head = nn.Conv2d(config.neck, config.classes + 4, 1)
        with torch.no_grad():
            bias = self.head.bias
            assert bias is not None
            bias[: config.classes] = float(np.log(RARE / (1 - RARE)))
            bias[config.classes :] = 1.0

    def features(self, pictures: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch neck rows columns"]:
        """What heat map and distances are read from."""
        x = self.stem(pictures.contiguous(memory_format=torch.channels_last))
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        total = self.sides[2](levels[3])
        for side, level in ((self.sides[1], levels[2]), (self.sides[0], levels[1])):
            total = side(level) + functional.interpolate(total, size=level.shape[-2:], mode="nearest")
        met: Tensor = self.meet(total)
        return met

    def forward(self, pictures: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch outputs rows columns"]:
        """Logits of the heat map, then the distances, positive."""
        raw = self.head(self.features(pictures))
        logits, sides = raw.split([self.config.classes, 4], dim=1)
        return torch.cat([logits, sides.clamp(-3, 5).exp()], dim=1)

    def training_loss(self, outputs: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """The loss of outputs for a batch of `SmallPeopleSource` samples."""
        parts: Parts = detection_loss(outputs, batch)
        return parts.total

    def fused(self) -> SmallPeople:
        """A copy for detection alone, the normalisation folded into the convolutions; the same outputs, faster."""
        copy = build(self.config)
        copy.load_state_dict(self.state_dict())
        copy.spec, copy.labels = self.spec, self.labels
        copy.eval()
        for module in list(copy.modules()):
            if isinstance(module, _Unit):
                module.fuse()
        return copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    @torch.inference_mode()
    def detect(self, image: NDArray[np.uint8], *, report: float = 0.1, overlap: float = 0.6, most: int = 100) -> Found:
        """People in one picture uint8 RGB `(height, width, 3)` with at least the score `report`.

        The picture is looked at twice, the second time at half the size, because people taller than the trained crop
        were only seen in part. Of boxes that overlap more than `overlap` the best stays; at most `most` are given.
        """
        boxes, scores = np.zeros((0, 4)), np.zeros(0)
        small = image
        for share in SHARES:
            small = _resize(small, _input_size(image.shape[0], image.shape[1], self.config.pixels * share))
            scale = np.array([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]] * 2)
            found, sure = self._look(small, report, most)
            boxes, scores = np.concatenate([boxes, found * scale]), np.concatenate([scores, sure])
        kept = _suppress(boxes, scores, overlap)[:most]
        return Found(boxes[kept], scores[kept])

    def _look(
        self, small: NDArray[np.uint8], report: float, most: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        picture = self.normalise(torch.from_numpy(np.ascontiguousarray(small)).permute(2, 0, 1)[None])
        boxes, scores = read_outputs(self(picture)[0], self.config.classes, report, most * 3)
        rows, columns = small.shape[:2]
        return boxes.clip(0, [columns, rows, columns, rows]), scores

    def predict(self, images: NDArray[np.uint8]) -> list[Found]:
        """People in each of the pictures uint8 RGB `(time, height, width, 3)`."""
        return [self.detect(image) for image in images]

    def normalise(self, pictures: Tensor) -> Float[Tensor, "batch 3 height width"]:
        """uint8 RGB to what `forward` takes."""
        mean, std = (torch.tensor(v, device=pictures.device).view(3, 1, 1) for v in (self.spec.mean, self.spec.std))
        return pictures.float().mul_(1 / (255 * std)).sub_(mean / std)


class _Unit(nn.Module):
    """3 x 3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.convolution(x)), inplace=True)

    def fuse(self) -> None:
        if isinstance(self.norm, nn.BatchNorm2d):
            self.convolution = nn.utils.fuse_conv_bn_eval(self.convolution.eval(), self.norm.eval())
            self.norm = nn.Identity()


def _unit(inputs: int, outputs: int, stride: int = 1) -> _Unit:
    return _Unit(inputs, outputs, stride)


def _input_size(height: int, width: int, pixels: float) -> tuple[int, int]:
    """Rows and columns in steps of 32 with about that area and the picture's shape."""
    scale = (pixels / (height * width)) ** 0.5
    return max(round(height * scale / 32), 1) * 32, max(round(width * scale / 32), 1) * 32


def _resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if size[0] < image.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size[::-1], interpolation=method), np.uint8)


def read_outputs(
    outputs: Float[Tensor, "outputs rows columns"], classes: int, report: float, most: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes in pixels of the network's input and scores of the heat map's peaks, best first."""
    heat = outputs[:classes].float().sigmoid().amax(0)
    peaks = heat * (heat == functional.max_pool2d(heat[None], 3, 1, 1)[0])
    scores, order = peaks.flatten().topk(min(most, peaks.numel()))
    order = order[scores >= report]
    column, row = order % heat.shape[1], order // heat.shape[1]
    left, top, right, bottom = outputs[classes:].float().flatten(1)[:, order]
    x, y = column + 0.5, row + 0.5
    boxes = torch.stack([x - left, y - top, x + right, y + bottom], 1) * STRIDE
    return boxes.double().cpu().numpy(), scores[scores >= report].double().cpu().numpy()


def _suppress(boxes: NDArray[np.float64], scores: NDArray[np.float64], overlap: float) -> NDArray[np.int64]:
    from onlooker.methods.detection.embedded_people.boxes import iou

    same = iou(boxes, boxes)
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        if not (same[index, kept] > overlap).any():
            kept.append(index)
    return np.array(kept, np.int64)


def build(config: Config) -> SmallPeople:
    """A network with random weights."""
    return SmallPeople(config)


def measure(variant: str = "default") -> dict[str, Any]:
    """Parameters, and multiply-adds for a picture of `Config.pixels`, by variant."""
    config = VARIANTS[variant]
    with torch.device("meta"):
        model = build(config)
    counted = 0

    def count(module: nn.Module, inputs: Any, output: Tensor) -> None:
        nonlocal counted
        assert isinstance(module, nn.Conv2d)
        counted += int(module.weight.numel()) * output.shape[-1] * output.shape[-2]

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    rows, columns = _input_size(360, 640, config.pixels)
    model.eval()(torch.zeros(1, 3, rows, columns, device="meta"))
    return {"parameters": sum(p.numel() for p in model.parameters()), "multiply_adds": counted}
