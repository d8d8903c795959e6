"""Clips to batches: which sample comes when, and what is done to it. All chance is a function of seed, epoch, sample.

Nothing here keeps a random state. A sample's augmentation depends on (seed, epoch, index) only, and the order of an
epoch on (seed, epoch) only, so the number of workers and processes, and where a run was interrupted, change nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from onlooker.data.source import ClipSource, MultiLabelSource
from onlooker.data.transforms import augmix, rand_augment, random_resized_crop
from onlooker.errors import OnlookerError
from onlooker.methods.recognition.clips import to_views
from onlooker.training.recipe import Augment
from onlooker.weights.inputs import InputSpec


class Draw(NamedTuple):
    """The number of a sample to read, and the seed of all that is random about reading it."""

    sample: int
    seed: int


Batch = dict[str, Any]
"""`clips` uint8 (batch, time, channel, height, width), `labels` int64 (batch,) or float (batch, classes) where there
may be several, and `indices` int64 (batch,); from a source with samples of its own, what it says, and `indices`."""


@runtime_checkable
class SampleSource(Protocol):
    """A source that makes its training samples itself, because more belongs to them than a label."""

    def training_sample(self, index: int, draw: int, spec: InputSpec) -> Batch:
        """One augmented sample; all chance about it follows from the seed `draw`."""
        ...


def seed_of(*parts: int | str) -> int:
    """A seed below 2**63 from numbers and names; unlike parts give unrelated seeds on every machine."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """All samples in the order of this epoch."""
    order: NDArray[np.int64] = np.random.default_rng(seed_of(seed, "order", epoch)).permutation(count)
    return order


def epoch_draws(
    count: int, batch: int, *, seed: int, epoch: int, first: int, parts: int, part: int, processes: int
) -> Iterator[list[Draw]]:
    """The micro-batches of one process from step `first` of an epoch on.

    A step's `batch` samples are dealt to `parts` micro-batches and each of those to `processes`; with other numbers of
    either, a step still sees the same samples. What does not fill a last batch is left out of this epoch.
    """
    order = epoch_order(count, seed, epoch)
    share = batch // (parts * processes)
    for step in range(first, count // batch):
        for micro in range(parts):
            begin = step * batch + (micro * processes + part) * share
            indices = order[begin : begin + share].tolist()
            yield [Draw(index, seed_of(seed, "sample", epoch, index)) for index in indices]


class TrainClips(Dataset[Batch]):
    """One augmented clip for each `Draw`."""

    def __init__(self, source: ClipSource, spec: InputSpec, augment: Augment) -> None:
        if augment.crop is not None:
            spec = replace(spec, crop=augment.crop, short_side=max(spec.short_side, augment.crop))
        self._source, self._spec, self._augment = source, spec, augment
        # frames are read as large as any random size wants them, so that nothing is enlarged
        largest = max(spec.crop, (augment.short_side or (0, spec.short_side))[1])
        self._reading = replace(spec, short_side=largest)

    def __getitem__(self, draw: Draw) -> Batch:
        if isinstance(self._source, SampleSource):
            sample = self._source.training_sample(draw.sample, draw.seed, self._spec)
            return {**sample, "indices": draw.sample}
        images = self._source.random_clip(draw.sample, self._reading, draw.seed)
        clip = augment_clip(images, self._spec, self._augment, np.random.default_rng(seed_of(draw.seed, "augment")))
        labels = _labels(self._source, draw.sample)
        return {"clips": clip, "labels": labels, "indices": draw.sample}


def _labels(source: ClipSource, index: int) -> int | Float[Tensor, " classes"]:
    """The class, or 1 for each class of a sample that may have several."""
    if not (isinstance(source, MultiLabelSource) and source.multi_label):
        return source.label(index)
    hot = torch.zeros(len(source.classes))
    hot[list(source.labels(index))] = 1.0
    return hot


def augment_clip(
    images: UInt8[np.ndarray, "time height width 3"], spec: InputSpec, augment: Augment, rng: np.random.Generator
) -> UInt8[Tensor, "time 3 crop crop"]:
    """Random size, crop, flip and what else the recipe asks for, the same in all frames; uint8 throughout."""
    if augment.resized_crop is None:
        clip = _sized_and_cropped(images, spec, augment, rng)
    else:
        crop, whole = augment.resized_crop, torch.from_numpy(images).permute(0, 3, 1, 2)
        chance = _generator(rng)
        clip = random_resized_crop(whole, spec.crop, chance, area=crop.area, aspect=crop.aspect, shift=crop.shift)
        clip = clip.flip(-1) if rng.random() < augment.flip else clip
    if (rand := augment.rand_augment) is not None:
        clip = rand_augment(
            clip, _generator(rng), operations=rand.operations, strength=rand.strength, spread=rand.spread
        )
    if (mixed := augment.augmix) is not None:
        clip = augmix(clip, _generator(rng), chains=mixed.chains, strength=mixed.strength)
    return clip.contiguous()


def _generator(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**63)))


def _sized_and_cropped(
    images: NDArray[np.uint8], spec: InputSpec, augment: Augment, rng: np.random.Generator
) -> UInt8[Tensor, "time 3 crop crop"]:
    low, high = augment.short_side or (spec.short_side, spec.short_side)
    low, high = max(low, spec.crop), max(high, spec.crop)
    # 1/size drawn evenly: small sizes come as often as in the SlowFast recipes (section 4 of the TimeSformer sheet)
    side = round(1 / rng.uniform(1 / high, 1 / low)) if augment.inverse else int(rng.integers(low, high + 1))
    height, width = images.shape[1:3]
    scale = side / min(height, width)
    size = (max(side, round(height * scale)), max(side, round(width * scale)))
    top, left = (int(rng.integers(room - spec.crop + 1)) for room in size)
    flip = rng.random() < augment.flip
    frames = np.stack([_resize(image, size)[top : top + spec.crop, left : left + spec.crop] for image in images])
    if flip:
        frames = frames[:, :, ::-1]
    return torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2)))


def _resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[:2] == size:
        return image
    smaller = size[0] < image.shape[0]
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))


class ViewClips(Dataset[Batch]):
    """All views of a video: moments times crops, normalised, as `model.predict` makes them."""

    def __init__(self, source: ClipSource, spec: InputSpec, clips: int) -> None:
        self._source, self._spec, self._clips = source, spec, clips

    def __getitem__(self, index: int) -> Batch:
        clips = self._source.clips(index, self._spec, self._clips)
        views = torch.cat([to_views(images, self._spec) for images in clips])
        return {"clips": views, "labels": _labels(self._source, index), "indices": index}


def normalise(clips: Tensor, spec: InputSpec) -> Float[Tensor, "batch time channel height width"]:
    """uint8 RGB to what the model takes."""
    mean, std = (torch.tensor(values, device=clips.device).view(3, 1, 1) for values in (spec.mean, spec.std))
    clips = clips.flip(2) if spec.channels == "bgr" else clips
    normal: Tensor = (clips.float() / 255 - mean) / std
    return normal


def each(loader: DataLoader[Batch]) -> Iterator[Batch]:
    """The batches of a loader. An error of a worker process is told in its own words, without the worker's stack."""
    try:
        yield from loader
    except OnlookerError as error:
        text = str(error)
        if "Original Traceback" in text:
            error.args = (text.rpartition(f"{type(error).__name__}: ")[2].strip(),)
        raise


def train_loader(dataset: Dataset[Batch], draws: Iterable[list[Draw]], workers: int) -> DataLoader[Batch]:
    """Batches in the order of `draws`; the global random state is not touched."""
    return DataLoader(
        dataset,
        batch_sampler=_Listed(draws),
        num_workers=workers,
        generator=torch.Generator().manual_seed(0),
    )


def view_loader(dataset: Dataset[Batch], indices: Iterable[int], workers: int) -> DataLoader[Batch]:
    """One video at a time, all its views in one batch."""
    return DataLoader(
        dataset,
        sampler=list(indices),
        batch_size=None,
        num_workers=workers,
        generator=torch.Generator().manual_seed(0),
    )


class _Listed:
    """What DataLoader takes for a batch sampler."""

    def __init__(self, draws: Iterable[list[Draw]]) -> None:
        self._draws = draws

    def __iter__(self) -> Iterator[list[Draw]]:
        return iter(self._draws)
