"""The experiment: frames spread over a long video see what a dense clip of as many frames misses.

In a long video of noise a sign stands for a while at a random moment; which of four signs is the label. The same image
network with the same consensus is trained and tested on as many frames, either one from each equal segment of the whole
video, or neighbours from its middle. The baseline sees the sign well, when it is there.
"""

from __future__ import annotations

import torch

from onlooker.methods.claim import Claim
from onlooker.methods.recognition.convproof import Clips, Labels, accuracy, fit, noisy
from onlooker.methods.recognition.tsn.config import Config
from onlooker.methods.recognition.tsn.model import TSN

CLAIM = Claim(
    mechanism="segments",
    baseline="dense",
    text="accuracy on a sign that stands for a fifth of a long video (chance 0.25): segments against one dense clip",
    paper="arXiv:1608.00859: sampling segments of the whole video against a single short snippet",
    seeds=6,
)

CONFIG = Config(frames=8, size=32, channels=1, width=8, depths=(1, 1), block="basic", dropout=0.0, classes=4)
LENGTH, SHOWN = 64, 13
TRAIN, TEST, STEPS = 1024, 512, 200
SIGN, NOISE = 16, 0.3


def run(seed: int, device: str = "cpu") -> dict[str, float]:
    """Test accuracies of one seed.

    >>> sorted(run(0))  # doctest: +SKIP
    ['dense', 'segments']
    """
    scores = {}
    for name in ("segments", "dense"):
        clips, labels = make_clips(TRAIN + TEST, seed, frames_of(name))
        clips, labels = clips.to(device), labels.to(device)
        generator = torch.Generator().manual_seed(seed)
        model = TSN(CONFIG, generator=generator).to(device)
        fit(model, clips[:TRAIN], labels[:TRAIN], steps=STEPS, generator=generator)
        scores[name] = accuracy(model, clips[TRAIN:], labels[TRAIN:])
    return scores


def frames_of(sampling: str) -> list[int]:
    """Which frames of the long video are looked at."""
    if sampling == "segments":
        return [int((segment + 0.5) * LENGTH / CONFIG.frames) for segment in range(CONFIG.frames)]
    first = (LENGTH - CONFIG.frames) // 2
    return list(range(first, first + CONFIG.frames))


def make_clips(count: int, seed: int, frames: list[int]) -> tuple[Clips, Labels]:
    """The chosen frames of `count` videos. The signs are stripes in four directions."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)
    labels = torch.randint(4, (count,), generator=generator)
    begin = torch.randint(LENGTH - SHOWN + 1, (count, 1), generator=generator)
    place = torch.randint(CONFIG.size - SIGN + 1, (count, 2), generator=generator).tolist()
    shown = ((torch.tensor(frames) >= begin) & (torch.tensor(frames) < begin + SHOWN)).float()
    pictures = torch.zeros(count, 1, 1, CONFIG.size, CONFIG.size)
    for picture, label, (row, column) in zip(pictures, labels.tolist(), place, strict=True):
        picture[..., row : row + SIGN, column : column + SIGN] = sign(label)
    return noisy(pictures * shown[:, :, None, None, None], NOISE, generator), labels


def sign(label: int) -> torch.Tensor:
    """Stripes four pixels apart: across, upright, and the two diagonals."""
    row, column = torch.meshgrid(torch.arange(SIGN), torch.arange(SIGN), indexing="ij")
    return (((row, column, row + column, row - column)[label] // 2) % 2).float()
