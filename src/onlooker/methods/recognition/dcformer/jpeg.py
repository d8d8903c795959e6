"""Low frequencies straight from JPEG files, without decoding them to full size and without colour conversion.

libjpeg can reconstruct a block of 8 x 8 coefficients at 4 x 4, 2 x 2 or 1 x 1 pixels. Its small picture is the mean of
the pixels, so the DCT of it gives the low frequencies of the stored block up to a known gain and some aliasing of the
frequencies that are left out. Pillow passes this on; none of the libraries here gives the stored numbers themselves.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from onlooker.errors import ConfigError, CorruptMedia, UnsupportedMedia
from onlooker.methods.recognition.dcformer.config import Config
from onlooker.methods.recognition.dcformer.dct import block_dct, pad
from onlooker.methods.recognition.dcformer.model import Coefficients, FrequencyTokens

_BLOCK = 8
_SIDES = (4, 2, 1)


def read_jpeg(source: str | os.PathLike[str] | bytes, tokens: FrequencyTokens) -> Coefficients:
    """The kept coefficients of a JPEG file, `(1, 1, rows, columns, values)`, as `tokens.coefficients` would give them.

    `source` is a path or the file's bytes. EXIF rotation is applied. The configuration must be that of the stored
    blocks: `block=8`, `half_chroma=True`, `keep="square"` and the same 16, 4 or 1 coefficients of luma and chroma.
    Raises ConfigError for another one, UnsupportedMedia for files that are no JPEG in YCbCr or grey, CorruptMedia for
    damaged ones.
    """
    config = tokens.config
    side = _side(config)
    name = "JPEG data" if isinstance(source, bytes) else Path(source).name
    picture = _small_picture(io.BytesIO(source) if isinstance(source, bytes) else Path(source), side, name)
    picture = pad(picture, side * config.group)
    luma = block_dct(picture[:1], side) / gain(side, side, _BLOCK // side)
    # a chroma block covers twice the pixels, so the small picture holds it at twice the size
    chroma = block_dct(picture[1:], 2 * side)[..., :side, :side] / gain(2 * side, side, _BLOCK // (2 * side))
    parts = [(luma, config.group), (chroma, config.chroma_group)]
    return torch.cat([_group(blocks, group) for blocks, group in parts], dim=-1)[None, None]


def gain(size: int, kept: int, pixels: int) -> Tensor:
    """What the DCT of size `size` makes of each of the `kept` x `kept` lowest frequencies of a block of 8.

    The mean of `pixels` samples passes frequency k with sin(n a) / (n sin(a)), a = pi k / 16; the smaller orthonormal
    DCT scales by size / 8.

    >>> gain(4, 2, 2)
    tensor([[0.5000, 0.4904],
            [0.4904, 0.4810]])
    """
    angles = [math.pi * k / 16 for k in range(kept)]
    row = torch.tensor([1.0 if not a else math.sin(pixels * a) / (pixels * math.sin(a)) for a in angles])
    return size / _BLOCK * row[:, None] * row[None]


def jpeg_frames(path: str | os.PathLike[str], count: int) -> Iterator[bytes]:
    """The bytes of `count` frames evenly spread over a Motion-JPEG video, each one a JPEG file.

    Raises UnsupportedMedia for videos of another codec.
    """
    import av

    try:
        with av.open(os.fspath(path)) as container:
            stream = container.streams.video[0]
            if stream.codec_context.name != "mjpeg":
                raise UnsupportedMedia(f"{Path(path).name}: no Motion-JPEG but {stream.codec_context.name}; decode it.")
            packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
    except (av.error.FFmpegError, IndexError) as error:
        raise UnsupportedMedia(f"{Path(path).name}: no video that can be read ({error}).") from error
    for index in range(count):
        yield packets[(2 * index + 1) * len(packets) // (2 * count)]


def _side(config: Config) -> int:
    side = math.isqrt(config.luma)
    fits = config.block == _BLOCK and config.half_chroma and config.keep == "square"
    if not fits or config.luma != config.chroma or side * side != config.luma or side not in _SIDES:
        raise ConfigError(
            "JPEG files give their low frequencies to configurations with block=8, half_chroma=True, keep='square' and "
            f"luma = chroma = 16, 4 or 1; this one has {config}."
        )
    return side


def _small_picture(source: Path | io.BytesIO, side: int, name: str) -> Tensor:
    """Y, Cb and Cr minus 128, reconstructed at side / 8 of the size."""
    try:
        with Image.open(source, formats=("JPEG",)) as image:
            width, height = image.size
            image.draft("YCbCr", (max(1, width * side // _BLOCK), max(1, height * side // _BLOCK)))
            if image.mode not in ("YCbCr", "L"):
                raise UnsupportedMedia(f"{name}: colours are {image.mode}, not YCbCr or grey. Decode it instead.")
            if image.size != (-(-width * side // _BLOCK), -(-height * side // _BLOCK)):
                raise UnsupportedMedia(f"{name}: libjpeg gives {image.size} of {width}x{height} at {side}/8.")
            small = np.array(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise UnsupportedMedia(f"{name}: no JPEG file. Decode it instead.") from error
    except (OSError, SyntaxError) as error:
        raise CorruptMedia(f"{name}: the JPEG is damaged ({error}). Get it again.") from error
    if small.ndim == 2:
        small = np.stack((small, np.full_like(small, 128), np.full_like(small, 128)), axis=-1)
    return torch.from_numpy(small).permute(2, 0, 1).float() - 128


def _group(blocks: Tensor, group: int) -> Tensor:
    """Neighbouring blocks side by side in one token: `(colour, rows, columns, u, v)` to `(rows, columns, values)`."""
    colours, rows, columns, side, _ = blocks.shape
    grid = blocks.reshape(colours, rows // group, group, columns // group, group, side * side)
    return grid.permute(1, 3, 0, 2, 4, 5).flatten(2)
