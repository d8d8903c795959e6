"""What is read from a JPEG file is what decoding it and transforming the pixels gives, up to aliasing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from einops import rearrange
from PIL import Image

from onlooker.errors import ConfigError, CorruptMedia, UnsupportedMedia
from onlooker.methods.recognition.dcformer import VARIANTS, DcFormer
from onlooker.methods.recognition.dcformer.dct import block_dct, pad
from onlooker.methods.recognition.dcformer.jpeg import gain, jpeg_frames, read_jpeg
from onlooker.methods.recognition.dcformer.model import FrequencyTokens
from onlooker.methods.recognition.dcformer.proof import natural_ground

torch.set_num_threads(1)


def tokens_of(kept: int = 16) -> FrequencyTokens:
    return FrequencyTokens(replace(VARIANTS["jpeg"], luma=kept, chroma=kept))


def picture(seed: int = 0) -> Image.Image:
    """A smooth random picture of natural spectrum, made larger so that little lies above the kept band."""
    ground = natural_ground(1, torch.Generator().manual_seed(seed), 32)[0]
    pixels = (128 + 40 * ground).clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8)
    return Image.fromarray(pixels).resize((96, 80), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **{"quality": 95, "subsampling": 2, **options})
    return buffer.getvalue()


def decoded(data: bytes, tokens: FrequencyTokens) -> torch.Tensor:
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    return tokens.coefficients(torch.from_numpy(pixels).permute(2, 0, 1)[None, None].float())


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt())


@pytest.mark.parametrize("kept", [16, 4, 1])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}])
def test_low_frequencies_agree_with_those_of_the_decoded_picture(kept: int, options: dict[str, object]) -> None:
    tokens, data = tokens_of(kept), jpeg(picture(), **options)
    ours, theirs = read_jpeg(data, tokens), decoded(data, tokens)
    assert ours.shape == theirs.shape
    # what differs is aliasing of the frequencies above the kept ones
    assert relative_error(ours, theirs) < 0.1
    # DC has no gain and no aliasing beyond rounding
    first = (ours - theirs)[..., 0].abs().max()
    assert float(first) < 16


@pytest.mark.parametrize("side", [4, 2])
def test_the_small_picture_is_the_mean_of_the_pixels(side: int) -> None:
    """So that the gain is known and nothing but rounding and aliasing stands between the two."""
    tokens, data = tokens_of(side**2), jpeg(picture())
    luma = torch.from_numpy(np.array(Image.open(io.BytesIO(data)).convert("L"))).float()[None] - 128
    step = 8 // side
    small = torch.nn.functional.avg_pool2d(pad(luma, 16)[None], step)[0]
    blocks = block_dct(small, side) / gain(side, side, step)
    expected = rearrange(blocks, "1 (row dy) (column dx) u v -> row column (dy dx u v)", dy=2, dx=2)
    assert relative_error(read_jpeg(data, tokens)[0, 0, ..., : 4 * side**2], expected) < 0.02


def test_the_classifier_says_the_same_of_both() -> None:
    torch.manual_seed(0)
    config = replace(VARIANTS["jpeg"], frames=1, size=96, dim=32, depth=2, heads=2, classes=4)
    model = DcFormer(config).eval()
    data = jpeg(picture())
    with torch.no_grad():
        ours = model.from_coefficients(read_jpeg(data, model.tokens))
        theirs = model.from_coefficients(decoded(data, model.tokens))
    assert float((ours - theirs).abs().max()) < 0.1 * float(theirs.abs().max())


def test_grey_and_turned_pictures(tmp_path: Path) -> None:
    tokens = tokens_of(4)
    grey = read_jpeg(jpeg(picture().convert("L"), subsampling=-1), tokens)
    assert float(grey[..., 16:].abs().max()) == 0
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter to the right
    (tmp_path / "turned.jpg").write_bytes(jpeg(picture(), exif=exif))
    turned = read_jpeg(tmp_path / "turned.jpg", tokens)
    upright = read_jpeg(jpeg(picture().transpose(Image.Transpose.ROTATE_270)), tokens)
    assert turned.shape == upright.shape == (1, 1, 6, 5, 24)
    assert relative_error(turned, upright) < 0.05


def test_frames_of_a_motion_jpeg_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuvj420p"
        for level in range(6):
            frame = av.VideoFrame.from_ndarray(np.full((80, 96, 3), 40 * level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames = list(jpeg_frames(path, 3))
    levels = [float(read_jpeg(data, tokens_of(1))[..., 0].mean()) / 8 + 128 for data in frames]
    assert levels == pytest.approx([40, 120, 200], abs=3)


def test_what_is_refused(tmp_path: Path) -> None:
    for change in ({"block": 16, "group": 2}, {"half_chroma": False}, {"keep": "zigzag"}, {"luma": 9}, {"chroma": 4}):
        with pytest.raises(ConfigError, match="luma = chroma"):
            read_jpeg(jpeg(picture()), FrequencyTokens(replace(VARIANTS["jpeg"], **change)))
    with pytest.raises(UnsupportedMedia, match="no JPEG"):
        read_jpeg(b"GIF89a not a picture", tokens_of())
    with pytest.raises(UnsupportedMedia, match="CMYK"):
        read_jpeg(jpeg(picture().convert("CMYK"), subsampling=-1), tokens_of())
    with pytest.raises(CorruptMedia, match="damaged"):
        read_jpeg(jpeg(picture())[:400], tokens_of())
    (tmp_path / "text.avi").write_bytes(b"no video")
    with pytest.raises(UnsupportedMedia, match=r"text\.avi"):
        list(jpeg_frames(tmp_path / "text.avi", 1))
