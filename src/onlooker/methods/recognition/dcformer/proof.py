"""The experiment: a quarter of the DCT coefficients, the lowest ones, against pixels at exactly the same cost.

Smooth lobed shapes lie on a background with the 1/f spectrum of natural pictures; the class is the number of lobes and
whether they are turned. `pixels` sees as many numbers per token: the means of 2 x 2 pixels. Blocks, data, batches and
steps are the same for all. On a second task the class is a fine texture, which low frequencies do not hold.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.dcformer.config import Config, Keep
from onlooker.methods.recognition.dcformer.dct import halve
from onlooker.methods.recognition.dcformer.model import DcFormer, measure_statistics

CLAIM = Claim(
    mechanism="low",
    baseline="pixels",
    text="accuracy on smooth shapes (6 classes): the lowest quarter of DCT coefficients against pixels at equal FLOPs",
    paper="Li et al., WACV 2023, abstract: comparable accuracy at fewer FLOPs with high frequencies dropped (no table)",
)

CONFIG = Config(
    frames=1, size=32, block=8, luma=16, chroma=16, dim=48, depth=3, heads=4, mlp_ratio=2.0, drop_path=0.0, classes=6
)
TRAIN, TEST, BATCH, STEPS = 12288, 1024, 64, 400
LEARNING_RATE = 2e-3
CONTRAST, SHAPE, TEXTURE = 40.0, 1.2, 0.35

Task = Literal["shapes", "texture"]
Seen = Literal["low", "random", "highest", "full", "pixels"]
Pictures = Float[Tensor, "pictures time channel height width"]
_KEEP: dict[Seen, Keep] = {
    "low": "square",
    "full": "square",
    "random": "random",
    "highest": "highest",
    "pixels": "square",
}


class PixelTokens(nn.Module):
    """Means of 2 x 2 pixels in place of coefficients: as many numbers per token as the lowest quarter."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.patch = config.patch // 2
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))
        self.projection = nn.Linear(3 * self.patch**2, config.dim)

    def coefficients(self, clip: Pictures) -> Float[Tensor, "batch time rows columns values"]:
        return rearrange(
            halve(clip),
            "batch time channel (row dy) (column dx) -> batch time row column (channel dy dx)",
            dy=self.patch,
            dx=self.patch,
        )

    def forward(self, values: Float[Tensor, "batch time rows columns values"]) -> Tensor:
        tokens: Tensor = self.projection((values - self.mean) / self.std)
        return tokens


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed: what is seen on shapes, and the lowest and the highest quarter on textures.

    >>> sorted(run(0))  # doctest: +SKIP
    ['full', 'low', 'pixels', 'random', 'texture_highest', 'texture_low']
    """
    pictures, labels = make_pictures("shapes", TRAIN + TEST, seed)
    seen: tuple[Seen, ...] = ("low", "pixels", "random", "full")
    scores: dict[str, float] = {name: accuracy(name, pictures, labels, seed, device) for name in seen}
    pictures, labels = make_pictures("texture", TRAIN + TEST, seed)
    scores["texture_low"] = accuracy("low", pictures, labels, seed, device, steps=STEPS // 2)
    scores["texture_highest"] = accuracy("highest", pictures, labels, seed, device, steps=STEPS // 2)
    return scores


def make_model(seen: Seen, generator: torch.Generator) -> DcFormer:
    """A model that sees the wished numbers; wide initial weights as a model of width 768 would have them."""
    kept = CONFIG.block**2 if seen == "full" else CONFIG.luma
    model = DcFormer(replace(CONFIG, keep=_KEEP[seen], luma=kept, chroma=kept), generator=generator)
    if seen == "pixels":
        tokens = PixelTokens(CONFIG)
        nn.init.trunc_normal_(tokens.projection.weight, std=0.02, generator=generator)
        nn.init.zeros_(tokens.projection.bias)
        model.tokens = tokens  # type: ignore[assignment]
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.mul_((768 / CONFIG.dim) ** 0.5)
    return model


def accuracy(
    seen: Seen,
    pictures: Tensor,
    labels: Int[Tensor, " pictures"],
    seed: int,
    device: str = "cpu",
    *,
    steps: int = STEPS,
) -> float:
    """Train one model from scratch and give its share of right answers on the last TEST pictures."""
    generator = torch.Generator().manual_seed(seed)
    model = make_model(seen, generator).to(device)
    sample = pictures[:1024].to(device).float()
    if seen == "pixels":
        model.tokens.mean.fill_(float(sample.mean()))
        model.tokens.std.fill_(float(sample.std()))
    else:
        measure_statistics(model, [sample])
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        batch = torch.randint(len(pictures) - TEST, (BATCH,), generator=generator)
        logits = model(pictures[batch].to(device).float())
        loss = functional.cross_entropy(logits, labels[batch].to(device))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        answers = torch.cat(
            [model(part.to(device).float()).argmax(dim=1).cpu() for part in torch.split(pictures[-TEST:], 256)]
        )
    return float((answers == labels[-TEST:]).float().mean())


def make_pictures(task: Task, count: int, seed: int) -> tuple[Tensor, Int[Tensor, " pictures"]]:
    """`count` uint8 RGB clips of one frame with their classes."""
    generator = torch.Generator().manual_seed(7_000_003 + seed)
    labels = torch.randint(CONFIG.classes, (count,), generator=generator)
    parts = []
    for part in torch.split(labels, 1024):
        ground = natural_ground(len(part), generator)
        figure = _shapes(part, generator) * SHAPE if task == "shapes" else _textures(part, generator) * TEXTURE
        parts.append((128 + CONTRAST * (0.7 * ground + figure)).clamp(0, 255).to(torch.uint8)[:, None])
    return torch.cat(parts), labels


def natural_ground(count: int, generator: torch.Generator) -> Float[Tensor, "count 3 size size"]:
    """Noise whose amplitude falls as one over frequency, of unit standard deviation."""
    size = CONFIG.size
    row, column = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
    frequency = torch.hypot(row.expand(size, column.shape[1]), column.expand(size, -1)).clamp_min(1 / size)
    noise = torch.view_as_complex(torch.randn(count, 3, size, size // 2 + 1, 2, generator=generator))
    ground: Tensor = torch.fft.irfft2(noise / frequency, s=(size, size))
    return ground / ground.std()


def _shapes(labels: Tensor, generator: torch.Generator) -> Float[Tensor, "count 3 size size"]:
    """A smooth outline of two, three or four lobes, upright or turned by half a lobe."""
    size = CONFIG.size
    centre = size / 2 + (torch.rand(len(labels), 2, 1, 1, generator=generator) - 0.5) * 0.2 * size
    axis = torch.arange(size) + 0.5
    down, right = axis[None, :, None] - centre[:, 0], axis[None, None] - centre[:, 1]
    lobes, turn = (labels % 3 + 2)[:, None, None], math.pi * (labels >= 3)[:, None, None]
    edge = 1 + 0.35 * torch.cos(lobes * torch.atan2(down, right) + turn)
    inside = torch.sigmoid((edge - torch.hypot(down, right) / (0.3 * size)) * 8)
    return inside[:, None] * (1 + 0.3 * torch.randn(len(labels), 3, 1, 1, generator=generator))


def _textures(labels: Tensor, generator: torch.Generator) -> Float[Tensor, "count 3 size size"]:
    """A grey grating of three to four pixels' period or less in one of six directions, phase and amplitude drawn."""
    size = CONFIG.size
    axis = torch.arange(size, dtype=torch.float32)
    angle = (labels * math.pi / CONFIG.classes)[:, None, None]
    along = axis[None, :, None] * torch.sin(angle) + axis[None, None] * torch.cos(angle)
    phase = 2 * math.pi * torch.rand(len(labels), 1, 1, generator=generator)
    wave = torch.cos(2 * math.pi * 0.45 * along + phase)
    return (wave * (1 + 0.3 * torch.randn(len(labels), 1, 1, generator=generator)))[:, None].expand(-1, 3, -1, -1)
