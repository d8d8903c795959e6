"""The experiment: low DCT coefficients against pixels at equal cost.

Smooth lobed shapes lie on a background with spectrum and colours like those of natural pictures; the class is the
number of lobes and whether they are turned. `low` sees a fiftieth of the coefficients of each block. `pixels` sees all
pixels of it; because its embedding costs more, its blocks are narrower, so that it costs no less than `low` with its
DCT. `random` and `highest` see as many coefficients as `low`, but others. On a second task the class is a fine texture,
which low frequencies do not hold. Data, batches and steps are the same for all.
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
from onlooker.methods.recognition.dcformer.config import Config
from onlooker.methods.recognition.dcformer.dct import colour_matrix
from onlooker.methods.recognition.dcformer.model import DcFormer, measure_statistics
from onlooker.nn.counting import count_multiply_adds
from onlooker.nn.layers import initialise_transformer

CLAIM = Claim(
    mechanism="low",
    baseline="pixels",
    text="accuracy on smooth shapes (6 classes): a fiftieth of the DCT coefficients against all pixels at equal FLOPs",
    paper="Li et al., WACV 2023, abstract: comparable accuracy at fewer FLOPs with high frequencies dropped (no table)",
    seeds=6,
)

CONFIG = Config(
    frames=1,
    size=64,
    block=32,
    keep="zigzag",
    luma=48,
    chroma=8,
    dim=48,
    depth=2,
    heads=2,
    mlp_ratio=2.0,
    drop_path=0.0,
    classes=6,
)
Task = Literal["shapes", "texture"]
Seen = Literal["low", "random", "highest", "pixels"]
Pictures = Float[Tensor, "pictures time channel height width"]
MODELS: dict[Seen, Config] = {
    "low": CONFIG,
    "random": replace(CONFIG, keep="random"),
    "highest": replace(CONFIG, keep="highest"),
    "pixels": replace(CONFIG, dim=24),
}
TRAIN, TEST, BATCH, STEPS = 8192, 1024, 64, 500
LEARNING_RATE = 2e-3
CONTRAST, SHAPE, TEXTURE, CHROMA = 40.0, 1.2, 0.35, 0.2


class PixelTokens(nn.Module):
    """All pixels of a block in place of its coefficients."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.patch = config.patch
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("std", torch.ones(1))
        self.projection = nn.Linear(3 * self.patch**2, config.dim)

    def coefficients(self, clip: Pictures) -> Float[Tensor, "batch time rows columns values"]:
        """The pixels of each block in a row; called as its counterpart of `FrequencyTokens` is."""
        return rearrange(
            clip,
            "batch time channel (row dy) (column dx) -> batch time row column (channel dy dx)",
            dy=self.patch,
            dx=self.patch,
        )

    def forward(self, values: Float[Tensor, "batch time rows columns values"]) -> Tensor:
        tokens: Tensor = self.projection((values - self.mean) / self.std)
        return tokens


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed on shapes, two on textures, and the cost of `low` over that of `pixels`.

    >>> sorted(run(0))  # doctest: +SKIP
    ['cost', 'highest', 'low', 'pixels', 'random', 'texture_highest', 'texture_low']
    """
    pictures, labels = make_pictures("shapes", TRAIN + TEST, seed)
    scores: dict[str, float] = {seen: accuracy(seen, pictures, labels, seed, device) for seen in MODELS}
    pictures, labels = make_pictures("texture", TRAIN + TEST, seed)
    scores["texture_low"] = accuracy("low", pictures, labels, seed, device)
    scores["texture_highest"] = accuracy("highest", pictures, labels, seed, device)
    return {**scores, "cost": cost("low") / cost("pixels")}


def cost(seen: Seen) -> int:
    """Multiply-adds of one picture, the DCT included."""
    return count_multiply_adds(lambda: make_model(seen, None), (1, 1, 3, CONFIG.size, CONFIG.size))


def make_model(seen: Seen, generator: torch.Generator | None) -> DcFormer:
    """A model that sees the wished numbers; wide initial weights as a model of width 768 would have them."""
    model = DcFormer(MODELS[seen], generator=generator)
    if seen == "pixels":
        tokens = PixelTokens(MODELS[seen])
        initialise_transformer(tokens, generator=generator)
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
    if isinstance(model.tokens, PixelTokens):
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


def natural_ground(
    count: int, generator: torch.Generator, size: int = CONFIG.size
) -> Float[Tensor, "count 3 size size"]:
    """RGB whose Y is noise with an amplitude of one over frequency and unit deviation; Cb and Cr are fainter."""
    row, column = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
    frequency = torch.hypot(row.expand(size, column.shape[1]), column.expand(size, -1)).clamp_min(1 / size)
    noise = torch.view_as_complex(torch.randn(count, 3, size, size // 2 + 1, 2, generator=generator))
    ground: Tensor = torch.fft.irfft2(noise / frequency, s=(size, size))
    ground = ground / ground.std() * torch.tensor([1.0, CHROMA, CHROMA]).view(3, 1, 1)
    return torch.einsum("ck,nkhw->nchw", torch.linalg.inv(colour_matrix()), ground)


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
