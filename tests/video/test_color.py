"""Colour patches of known RGB through every matrix, range, depth and subsampling; HDR; orientation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from onlooker.video import Video
from onlooker.video.color import Converter, color_matrix, color_range, tone_map
from onlooker.video.orientation import Orientation

WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593), "smpte240m": (0.212, 0.087)}
CODES = {"bt601": 6, "bt709": 1, "bt2020": 9, "smpte240m": 7}
PATCHES = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 100, 50)]


def encode_color(rgb: tuple[int, int, int], matrix: str, full: bool, bits: int) -> list[int]:
    """Y, Cb, Cr codes by the definition in ITU-T H.273."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = (value / 255 for value in rgb)
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    unit, top = 2 ** (bits - 8), 2**bits - 1
    if full:
        codes = [y * top, cb * top + 128 * unit, cr * top + 128 * unit]
    else:
        codes = [unit * (16 + 219 * y), unit * (128 + 224 * cb), unit * (128 + 224 * cr)]
    return [min(top, max(0, round(code))) for code in codes]


def picture(codes: list[int], pixel_format: str, *, matrix: int = 2, full: bool = False, transfer: int = 2) -> Any:
    """A plain picture of 38x26 pixels (odd multiples of everything)."""
    frame = av.VideoFrame(38, 26, pixel_format)
    for plane, code in zip(frame.planes, codes, strict=False):
        kind = np.uint16 if "10" in pixel_format else np.uint8
        plane.update(np.full(plane.buffer_size // np.dtype(kind).itemsize, code, kind).tobytes())
    frame.colorspace, frame.color_range, frame.color_trc = matrix, 2 if full else 1, transfer
    return frame


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"])
@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("full", [False, True])
def test_patches(pixel_format: str, matrix: str, full: bool) -> None:
    converter, bits = Converter(), 10 if "10" in pixel_format else 8
    for rgb in PATCHES:
        frame = picture(encode_color(rgb, matrix, full, bits), pixel_format, matrix=CODES[matrix], full=full)
        assert (color_matrix(frame), color_range(frame)) == (matrix, "full" if full else "limited")
        image = converter.rgb(frame)
        assert image.shape == (26, 38, 3)
        # the vectorised 4:2:0 path of the scaler is right to two levels, its generic 10-bit path to three
        assert np.abs(image.astype(int) - rgb).max() <= 3, rgb


@pytest.mark.parametrize("full", [False, True])
def test_grey(full: bool) -> None:
    for level in (0, 100, 255):
        code = level if full else round(16 + 219 * level / 255)
        image = Converter().rgb(picture([code], "gray", full=full))
        assert image.shape == (26, 38, 3)
        assert np.abs(image.astype(int) - level).max() <= 1


def test_unspecified_matrix_depends_on_size() -> None:
    small, large = av.VideoFrame(640, 480, "yuv420p"), av.VideoFrame(1280, 720, "yuv420p")
    for frame in (small, large):
        frame.colorspace = 2
    assert (color_matrix(small), color_matrix(large)) == ("bt601", "bt709")
    assert color_range(small) == "limited"
    assert color_range(av.VideoFrame(64, 64, "yuvj420p")) == "full"
    assert color_matrix(av.VideoFrame(64, 64, "rgb24")) == "rgb"


def test_one_converter_does_not_carry_anything_over() -> None:
    frames = [
        picture(encode_color((200, 100, 50), matrix, full, 8), "yuv420p", matrix=CODES[matrix], full=full)
        for matrix in WEIGHTS
        for full in (False, True)
    ]
    shared = Converter()
    for frame in frames + frames[::-1]:
        assert np.array_equal(shared.rgb(frame), Converter().rgb(frame))


def test_rgb_pictures_pass_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (26, 38, 3), np.uint8)
    assert np.array_equal(Converter().rgb(av.VideoFrame.from_ndarray(image, format="rgb24")), image)


@pytest.mark.parametrize(("transfer", "kind"), [(16, "pq"), (18, "hlg")])
def test_high_dynamic_range_is_mapped_monotonically(transfer: int, kind: str) -> None:
    levels = [
        int(Converter().rgb(picture([code, 512, 512], "yuv420p10le", matrix=9, transfer=transfer))[10, 10].mean())
        for code in range(64, 941, 73)
    ]
    assert levels[0] == 0
    assert levels == sorted(levels)
    assert levels[-1] >= 250  # the scaler's 16-bit white is a few codes short of the top
    white = 0.5807 if kind == "pq" else 0.75  # the code of reference white, ITU-R BT.2408 table 1
    grey = tone_map(np.full((1, 1, 3), round(white * 65535), np.uint16), kind)[0, 0]
    assert np.ptp(grey) <= 1
    assert 170 <= grey[0] <= 200  # 1 / 2 with headroom up to 1000 cd/m2, in sRGB


def test_tone_mapping_keeps_hue() -> None:
    red, green, blue = tone_map(np.array([[[45000, 20000, 20000]]], np.uint16), "pq")[0, 0].astype(int)
    assert red > green + 40
    assert abs(green - blue) < 60


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_orientation_agrees_with_numpy(degrees: int) -> None:
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    orientation = Orientation.of_degrees(degrees)
    shown = orientation.apply(image)
    assert np.array_equal(shown, np.rot90(image, degrees // 90))
    assert orientation.size(7, 5) == (shown.shape[1], shown.shape[0])
    assert orientation.degrees == degrees
    assert not orientation.mirrored
    corner = orientation.points(np.array([[0.5, 0.5]]), 7, 5)[0] - 0.5
    assert np.array_equal(shown[int(corner[1]), int(corner[0])], image[0, 0])


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_tags_turn_and_mirror_the_picture(tmp_path: Path, degrees: int, hflip: bool) -> None:
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.set_display_rotation(degrees, hflip=hflip)
        image = np.zeros((32, 64, 3), np.uint8)
        image[:16, :16] = 255
        output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
    with Video(path) as video:
        shown = video[0].image
        info = video.info
    with Video(path, apply_rotation=False) as video:
        stored = video[0].image
    assert stored.shape == (32, 64, 3)
    assert (info.height, info.width) == shown.shape[:2]
    orientation = Orientation.of_picture(next(av.open(str(path)).decode(video=0)))
    assert orientation.mirrored == hflip
    assert np.array_equal(shown, orientation.apply(stored))
    if not hflip:
        assert np.array_equal(shown, np.rot90(stored, degrees // 90))


@pytest.mark.parametrize("size", [(2, 2), (34, 18), (1022, 2)])
def test_small_and_narrow_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "odd.mkv"
    width, height = size[0] - 1, size[1] - 1
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="bgr0")))
        output.mux(stream.encode())
    with Video(path) as video:
        assert np.array_equal(video[2].image, image)
        assert video[:].images.shape == (3, height, width, 3)
