"""Sizes, crops, boxes and colours: against Pillow, against each other, and the same for all frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from onlooker.data import transforms
from onlooker.data.transforms import photometric, warping
from onlooker.data.transforms.boxes import clip_boxes, crop_boxes, flip_boxes, scale_boxes
from onlooker.data.transforms.geometry import Box, crop, random_box
from onlooker.data.transforms.operations import OPERATIONS, apply
from onlooker.errors import ConfigError
from onlooker.methods.parity import run_parity


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def clip():
    """Three frames of 20 x 28, each a noisy ramp of its own."""
    rng = np.random.default_rng(3)
    ramp = (
        np.linspace(30, 200, 28)[None, None, None]
        + rng.normal(0, 20, (3, 3, 20, 28))
        + 10 * np.arange(3)[:, None, None, None]
    )
    return torch.from_numpy(ramp.clip(0, 255).astype(np.uint8))


def pictures(clip):
    return [Image.fromarray(frame.permute(1, 2, 0).numpy()) for frame in clip]


def from_pictures(images):
    return torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images])


@pytest.mark.real
def test_the_recorded_functions(parity):
    (result,) = run_parity(parity / "pytorchvideo" / "functional")
    assert result.status == "within"
    assert not result.uncompared


@pytest.mark.parametrize(
    ("ours", "pillows", "off"),
    [
        # Pillow cuts 3.9999999 off to 3 where 4 is meant
        (photometric.autocontrast, ImageOps.autocontrast, 1),
        (photometric.equalize, ImageOps.equalize, 0),
        (lambda clip: photometric.posterize(clip, 3), lambda image: ImageOps.posterize(image, 3), 0),
        (lambda clip: photometric.solarize(clip, 100), lambda image: ImageOps.solarize(image, 100), 0),
        (lambda clip: photometric.brightness(clip, 1.6), lambda image: ImageEnhance.Brightness(image).enhance(1.6), 1),
        (lambda clip: photometric.contrast(clip, 0.3), lambda image: ImageEnhance.Contrast(image).enhance(0.3), 1),
        (lambda clip: photometric.colour(clip, 1.7), lambda image: ImageEnhance.Color(image).enhance(1.7), 2),
        (lambda clip: photometric.sharpness(clip, 0.1), lambda image: ImageEnhance.Sharpness(image).enhance(0.1), 1),
        (lambda clip: photometric.sharpness(clip, 1.9), lambda image: ImageEnhance.Sharpness(image).enhance(1.9), 2),
    ],
    ids=["autocontrast", "equalize", "posterize", "solarize", "brightness", "contrast", "colour", "smooth", "sharp"],
)
def test_colours_change_as_in_pillow(clip, ours, pillows, off):
    result, expected = ours(clip), from_pictures([pillows(image) for image in pictures(clip)])
    assert result.dtype == torch.uint8
    assert (result.int() - expected.int()).abs().max() <= off
    assert not torch.equal(result, clip)


def test_flat_frames_survive_every_operation():
    flat = torch.full((2, 3, 8, 8), 77, dtype=torch.uint8)
    for name in ("autocontrast", "equalize", "contrast", "sharpness", "colour"):
        assert torch.equal(apply(flat, name, 5.0, seeded()), flat), name


def test_rotations_and_translations_go_where_they_say(clip):
    square = clip[..., :20, :20]
    assert torch.equal(warping.rotate(square, 90), torch.rot90(square, 1, (-2, -1)))
    moved = warping.translate(clip, 2 / 28, 0)
    assert torch.equal(moved[..., 2:], clip[..., :-2])
    assert (moved[..., :2] == 128).all()
    assert torch.equal(warping.translate(clip, 0, -3 / 20)[..., :-3, :], clip[..., 3:, :])
    sheared = warping.shear_x(clip, 1.0)
    # the row 4.5 below the middle moves half as far again as pixels can: row 14 of 20 lies 4.5 below it
    assert torch.allclose(
        sheared[..., 14, 0:20].float(), (clip[..., 14, 4:24].float() + clip[..., 14, 5:25].float()) / 2, atol=1
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_do_nothing_at_zero_and_treat_frames_alike(clip, name):
    still = clip[:1].repeat(3, 1, 1, 1)
    strong = apply(still, name, 7.0, seeded(1))
    assert torch.equal(strong[0], strong[2])
    assert strong.dtype == torch.uint8
    if name not in ("autocontrast", "equalize", "solarize"):
        assert (apply(clip, name, 0.0, seeded()).int() - clip.int()).abs().max() <= 1
    with pytest.raises(ConfigError, match="0 to 10"):
        apply(clip, name, 11.0, seeded())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["rand_augment", "augmix"]))
def test_random_augmentations_follow_their_seed(seed, name):
    clip = torch.randint(0, 256, (2, 3, 9, 12), generator=seeded(5), dtype=torch.uint8)
    augment = getattr(transforms, name)
    one, two = augment(clip, seeded(seed)), augment(clip, seeded(seed))
    assert torch.equal(one, two)
    assert one.shape == clip.shape
    assert one.dtype == torch.uint8


def test_random_augmentations_vary(clip):
    for augment in (transforms.rand_augment, transforms.augmix):
        assert len({augment(clip, seeded(seed)).float().mean().item() for seed in range(8)}) > 4


@given(st.integers(8, 40), st.integers(8, 40), st.integers(4, 20))
def test_the_short_side_is_exact_and_the_other_rounded_down(height, width, size):
    scaled = transforms.short_side_scale(torch.zeros(1, 1, height, width), size)
    assert min(scaled.shape[-2:]) == size
    assert max(scaled.shape[-2:]) == max(height, width) * size // min(height, width)


def test_uint8_and_float_are_scaled_alike(clip):
    small, exact = (transforms.short_side_scale(one, 13) for one in (clip, clip.float()))
    assert small.dtype == torch.uint8
    assert (small.float() - exact).abs().max() <= 1


@given(st.integers(8, 30), st.integers(8, 30), st.integers(1, 8), st.integers(0, 2))
def test_uniform_crops_reach_both_ends(height, width, size, place):
    picture = torch.arange(height * width).view(1, height, width)
    square = transforms.uniform_crop(picture, size, place)
    assert square.shape[-2:] == (size, size)
    first, last = int(square[0, 0, 0]), int(square[0, -1, -1])
    along = first // width if height > width else first % width
    ends = last // width if height > width else last % width
    if place == 0:
        assert along == 0
    if place == 2:
        assert ends == max(height, width) - 1


@settings(max_examples=50, deadline=None)
@given(st.integers(4, 40), st.integers(4, 40), st.integers(0, 2**31))
def test_random_boxes_fit_and_have_the_asked_area_and_aspect(height, width, seed):
    box = random_box(height, width, seeded(seed), area=(0.2, 0.6), aspect=(0.5, 2.0))
    crop(torch.zeros(1, height, width), box)
    # rounded to pixels, each side is off by at most a half
    assert (box.width + 0.5) / (box.height - 0.5) >= 0.5
    assert (box.width - 0.5) / (box.height + 0.5) <= 2.0


def test_a_shifting_crop_moves_over_the_clip(clip):
    still = clip[:1].repeat(3, 1, 1, 1)
    fixed = transforms.random_resized_crop(still, 8, seeded(2))
    moving = transforms.random_resized_crop(still, 8, seeded(2), shift=True)
    assert torch.equal(fixed[0], fixed[2])
    assert torch.equal(fixed[0], moving[0])
    assert not torch.equal(moving[0], moving[2])
    assert moving.shape == (3, 3, 8, 8)


def test_crops_outside_are_refused(clip):
    for box in (Box(0, 0, 21, 5), Box(-1, 0, 5, 5), Box(0, 25, 5, 5), Box(0, 0, 0, 5)):
        with pytest.raises(ConfigError, match="does not fit"):
            crop(clip, box)
    with pytest.raises(ConfigError, match="place"):
        transforms.uniform_crop(clip, 4, 3)


def test_boxes_follow_their_pixels():
    picture = torch.zeros(1, 20, 30, dtype=torch.uint8)
    picture[:, 5:9, 10:16] = 1
    boxes = torch.tensor([[10.0, 5.0, 15.0, 8.0]])

    def shown(image):
        rows, columns = image[0].any(1).nonzero(), image[0].any(0).nonzero()
        return [float(value) for value in (columns.min(), rows.min(), columns.max(), rows.max())]

    assert shown(picture) == boxes[0].tolist()
    assert shown(transforms.crop(picture, Box(3, 4, 10, 20))) == crop_boxes(boxes, 3, 4)[0].tolist()
    assert shown(transforms.flip(picture, 1.0, seeded())) == flip_boxes(boxes, 30)[0].tolist()
    assert scale_boxes(boxes, (20, 30), (40, 60)).tolist() == [[20.0, 10.0, 30.0, 16.0]]
    assert clip_boxes(torch.tensor([[-3.0, 2.0, 40.0, 40.0]]), 20, 30).tolist() == [[0.0, 2.0, 29.0, 19.0]]


def test_pathways_and_subsampling(clip):
    slow, fast = transforms.pathways(torch.arange(32).view(32, 1, 1, 1))
    assert slow.flatten().tolist() == [0, 4, 8, 13, 17, 22, 26, 31]
    assert torch.equal(fast.flatten(), torch.arange(32))
    assert transforms.uniform_subsample(clip, 5).shape[0] == 5
    assert torch.equal(transforms.uniform_subsample(clip, 3), clip)
    with pytest.raises(ConfigError, match="leave no frame"):
        transforms.pathways(clip, (4, 1))


def test_chains_stay_uint8_until_the_end(clip):
    train = transforms.Chain(
        [
            transforms.OneOf([transforms.RandAugment(), transforms.AugMix()]),
            transforms.training_transform(12, short_side=(14, 18)),
        ]
    )
    out = train(clip, seeded(4))
    assert (out.shape, out.dtype) == ((3, 3, 12, 12), torch.uint8)
    assert torch.equal(out, train(clip, seeded(4)))
    test = transforms.evaluation_transform(12, short_side=14)
    assert torch.equal(test(clip, seeded(0)), test(clip, seeded(1)))
    assert torch.equal(
        transforms.Chain([transforms.ShortSide(14), transforms.CenterCrop(12)])(clip, seeded()), test(clip, seeded())
    )
    values = transforms.normalise(transforms.to_float(out))
    assert values.dtype == torch.float32
    assert values.min() >= -2
    resized = transforms.RandomResizedCrop(6, shift=True)(clip, seeded())
    assert resized.shape[-2:] == (6, 6)


def test_one_of_follows_its_weights(clip):
    left, right = transforms.Flip(0.0), transforms.Flip(1.0)
    assert torch.equal(transforms.OneOf([left, right], [0.0, 1.0])(clip, seeded()), clip.flip(-1))
