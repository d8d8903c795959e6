"""The two sides of the experiment cost the same, and its pictures are those that it speaks of."""

from __future__ import annotations

import torch

from onlooker.methods.recognition.dcformer.proof import (
    CLAIM,
    CONFIG,
    MODELS,
    PixelTokens,
    accuracy,
    cost,
    make_model,
    make_pictures,
    natural_ground,
)

torch.set_num_threads(1)


def test_pixels_cost_no_less_than_coefficients_with_their_dct() -> None:
    assert 0.93 < cost("low") / cost("pixels") <= 1
    assert (CLAIM.mechanism, CLAIM.baseline) == ("low", "pixels")
    assert {MODELS[seen].values for seen in ("low", "random", "highest")} == {CONFIG.luma + 2 * CONFIG.chroma}
    assert make_model("pixels", None).tokens.projection.in_features == 3 * CONFIG.block**2


def test_pixel_tokens_hold_each_pixel_once() -> None:
    picture = torch.arange(3.0 * 64 * 64).view(1, 1, 3, 64, 64)
    values = PixelTokens(MODELS["pixels"]).coefficients(picture)
    assert values.shape == (1, 1, 2, 2, 3072)
    assert sorted(values.flatten().tolist()) == picture.flatten().tolist()
    assert set(values[0, 0, 0, 1, :32].tolist()) == set(picture[0, 0, 0, 0, 32:].tolist())


def test_the_ground_falls_as_one_over_frequency() -> None:
    ground = natural_ground(64, torch.Generator().manual_seed(0), 32).mean(1)
    power = torch.fft.rfft2(ground).abs().square().mean(0)
    assert 2.5 < float(power[0, 4] / power[0, 8]) < 6
    assert abs(float(natural_ground(64, torch.Generator().manual_seed(0)).mean(1).std()) - 1) < 0.3


def test_the_same_seed_gives_the_same_pictures() -> None:
    for task in ("shapes", "texture"):
        first, labels = make_pictures(task, 12, 3)  # type: ignore[arg-type]
        assert first.dtype == torch.uint8
        assert first.shape == (12, 1, 3, CONFIG.size, CONFIG.size)
        assert torch.equal(first, make_pictures(task, 12, 3)[0])  # type: ignore[arg-type]
        assert not torch.equal(first, make_pictures(task, 12, 4)[0])  # type: ignore[arg-type]
        assert int(labels.max()) < CONFIG.classes


def test_an_untrained_model_guesses() -> None:
    pictures, labels = make_pictures("shapes", 1024 + 64, 0)
    assert 0.05 < accuracy("low", pictures, labels, 0, steps=2) < 0.35
