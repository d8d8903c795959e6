"""Decoded pictures to 8-bit RGB: colour matrix, range, bit depth, high dynamic range.

Where a file doesn't say which matrix it uses, pictures of at least 1280x720 (either side) count as BT.709 and smaller
ones as BT.601, as players do; where it doesn't say the range, it is limited, except for the "yuvj" formats and RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from onlooker.video.frames import Images

# ITU-T H.273 matrix coefficients -> (name, what the scaler calls it)
_MATRICES = {
    1: ("bt709", Colorspace.ITU709),
    4: ("fcc", Colorspace.FCC),
    5: ("bt601", Colorspace.ITU601),
    6: ("bt601", Colorspace.ITU601),
    7: ("smpte240m", Colorspace.SMPTE240M),
    9: ("bt2020", Colorspace.BT2020),
    10: ("bt2020", Colorspace.BT2020),
}
_PQ, _HLG = 16, 18
_REFERENCE_WHITE = 203.0
"""Luminance in cd/m2 that becomes SDR white before tone mapping (ITU-R BT.2408)."""
_PEAK = 1000.0
"""Luminance in cd/m2 that becomes SDR white after it."""
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)  # ITU-R BT.2407, annex 2


def color_matrix(picture: Any) -> str:
    """The matrix that turns the picture into RGB: bt601, bt709, bt2020, smpte240m, fcc, or rgb when there is none."""
    if _is_rgb(picture.format.name):
        return "rgb"
    if picture.colorspace in _MATRICES:
        return _MATRICES[picture.colorspace][0]
    return "bt709" if picture.width >= 1280 or picture.height >= 720 else "bt601"


def color_range(picture: Any) -> str:
    """`full` (0 to 255) or `limited` (16 to 235)."""
    name = picture.format.name
    if _is_rgb(name) or name.startswith("yuvj") or picture.color_range == 2:
        return "full"
    if name.startswith("gray") and picture.color_range != 1:
        return "full"
    return "limited"


def transfer(picture: Any) -> str:
    """`pq` or `hlg` for high dynamic range, else `sdr`."""
    return {_PQ: "pq", _HLG: "hlg"}.get(picture.color_trc, "sdr")


def _is_rgb(name: str) -> bool:
    return name.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "pal8", "0rgb", "0bgr", "x2rgb", "x2bgr"))


class Converter:
    """Turns pictures into RGB arrays; keeps the scaler's tables from picture to picture.

    The same picture gives the same bytes whatever was converted before.
    """

    def __init__(self) -> None:
        self._scaler = VideoReformatter()
        self._plans: dict[tuple[Any, ...], _Plan] = {}

    def rgb(self, picture: Any) -> Images:
        """uint8 RGB (height, width, 3) at the stored size, without rotation. May share memory with a buffer that only
        the array keeps."""
        width, height, pixel_format = picture.width, picture.height, picture.format.name
        facts = (pixel_format, width, height, picture.colorspace, picture.color_range, picture.color_trc)
        plan = self._plans.get(facts)
        if plan is None:
            plan = self._plans[facts] = _Plan.of(picture)
        converted = self._scaler.reformat(
            picture, format=plan.target, src_colorspace=plan.space, src_color_range=plan.span, threads=1
        )
        plane = converted.planes[0]
        rows: NDArray[Any] = np.frombuffer(memoryview(plane), plan.kind).reshape(height, -1)
        image = rows[:, : width * plan.channels].reshape(height, width, plan.channels)
        if plan.channels == 1:
            return _gray(image, limited=plan.span == ColorRange.MPEG)
        return image if plan.transfer == "sdr" else tone_map(image, plan.transfer)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How pictures of one kind are converted: the scaler's target and its view of the source."""

    target: str
    channels: int
    kind: type[np.generic]
    space: Colorspace
    span: ColorRange
    transfer: str

    @classmethod
    def of(cls, picture: Any) -> _Plan:
        spaces = dict(_MATRICES.values())
        space = spaces.get(color_matrix(picture), Colorspace.DEFAULT)
        span = ColorRange.JPEG if color_range(picture) == "full" else ColorRange.MPEG
        if picture.format.name.startswith("gray") and not picture.format.name.startswith("grayf"):
            return cls("gray", 1, np.uint8, space, span, "sdr")
        kind = transfer(picture)
        if kind == "sdr":
            return cls("rgb24", 3, np.uint8, space, span, kind)
        return cls("rgb48le", 3, np.uint16, space, span, kind)


def _gray(luma: NDArray[np.uint8], *, limited: bool) -> Images:
    """One channel to three; the scaler ignores the range of gray pictures, so that is done here."""
    if limited:
        luma = np.clip((np.arange(256) - 16) * (255 / 219) + 0.5, 0, 255).astype(np.uint8)[luma]
    return np.repeat(luma, 3, axis=2)


def tone_map(picture: NDArray[np.uint16], kind: str) -> Images:
    """High dynamic range to the range of ordinary screens: BT.2020 16-bit RGB (height, width, 3) to BT.709 8-bit.

    `kind` is pq (SMPTE ST 2084) or hlg (ITU-R BT.2100). The extended Reinhard curve on the largest channel brings
    1000 cd/m2 to white and keeps hue; 203 cd/m2 (reference white) lands at about 0.7 of full scale.
    """
    light = _linear(kind)[picture] @ _BT2020_TO_BT709.T
    np.maximum(light, 0, out=light)
    peak = light.max(axis=2, keepdims=True)
    white = _PEAK / _REFERENCE_WHITE
    light *= (1 + peak / white**2) / (1 + peak)
    screen: Images = _encoding()[np.clip(light * 4095 + 0.5, 0, 4095).astype(np.uint16)]
    return screen


@lru_cache(maxsize=2)
def _linear(kind: str) -> NDArray[np.float32]:
    """Per 16-bit code, light relative to reference white."""
    code = np.arange(65536) / 65535
    if kind == "pq":
        m1, m2, c1, c2, c3 = 1305 / 8192, 2523 / 32, 107 / 128, 2413 / 128, 2392 / 128
        power = code ** (1 / m2)
        light = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
        light = _PEAK * scene**1.2  # system gamma of a 1000 cd/m2 display
    return (light / _REFERENCE_WHITE).astype(np.float32)


@lru_cache(maxsize=1)
def _encoding() -> NDArray[np.uint8]:
    """Linear light in 4096 steps to sRGB codes."""
    light = np.arange(4096) / 4095
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.clip(code * 255 + 0.5, 0, 255).astype(np.uint8)
