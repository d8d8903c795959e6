"""What the slice headers of H.264 tell: lost pictures, which FFmpeg's decoder passes over, and dispensable ones.

Clause numbers are those of ITU-T H.264.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SLICE, _IDR, _SPS, _PPS = 1, 5, 7, 8
_HIGH_PROFILES = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}


@dataclass(frozen=True, slots=True)
class Numbering:
    """How a sequence counts its pictures (clause 7.4.2.1.1)."""

    frame_num_bits: int
    separate_planes: bool
    gaps_allowed: bool


class SliceReader:
    """Fed with the packets of a stream in order."""

    def __init__(self, extradata: bytes) -> None:
        is_avcc = extradata[:1] == b"\x01"
        self._length_size = (extradata[4] & 3) + 1 if is_avcc and len(extradata) > 6 else 0
        self._numbering: Numbering | None = None
        self._last: int | None = None
        parts = _avcc_parameter_sets(extradata) if self._length_size else _annex_b(extradata)
        for nal in parts:
            self._learn(nal)

    def read(self, packet: bytes) -> tuple[bool, bool]:
        """(whether reference pictures are missing before this packet, whether no other picture refers to its own)."""
        units = _length_prefixed(packet, self._length_size) if self._length_size else _annex_b(packet)
        parameters = False
        for nal in units:
            kind = nal[0] & 31 if nal else 0
            if kind in (_SPS, _PPS):
                self._learn(nal)
                parameters = True
            elif kind in (_SLICE, _IDR):
                return self._check(nal, kind), not parameters and nal[0] >> 5 & 3 == 0
        return False, False

    def _learn(self, nal: bytes) -> None:
        if nal and nal[0] & 31 == _SPS:
            try:
                self._numbering = parse_sequence(nal)
            except IndexError:
                self._numbering = None

    def _check(self, nal: bytes, kind: int) -> bool:
        numbering = self._numbering
        if numbering is None or numbering.gaps_allowed:
            return False
        try:
            number = _frame_number(nal, numbering)
        except IndexError:
            return False
        last, modulus = self._last, 1 << numbering.frame_num_bits
        if nal[0] >> 5 & 3:
            self._last = number
        if kind == _IDR or last is None:
            self._last = number
            return False
        # clause 7.4.3; a picture that resets the memory (operation 5) lets counting start again near zero
        return number not in (last, (last + 1) % modulus, 0, 1)


def parse_sequence(nal: bytes) -> Numbering:
    """The counting rules of a sequence parameter set (clause 7.3.2.1.1). Raises IndexError when it is cut."""
    bits = _Bits(nal[1:])
    profile = bits.read(8)
    bits.read(16)
    bits.golomb()
    separate = False
    if profile in _HIGH_PROFILES:
        chroma = bits.golomb()
        if chroma == 3:
            separate = bool(bits.read(1))
        bits.golomb()
        bits.golomb()
        bits.read(1)
        if bits.read(1):
            for k in range(8 if chroma != 3 else 12):
                if bits.read(1):
                    _skip_scaling_list(bits, 16 if k < 6 else 64)
    frame_num_bits = bits.golomb() + 4
    order_type = bits.golomb()
    if order_type == 0:
        bits.golomb()
    elif order_type == 1:
        bits.read(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()
    return Numbering(frame_num_bits, separate, bool(bits.read(1)))


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = scale = 8
    for _ in range(size):
        if scale:
            code = bits.golomb()
            delta = (code + 1) // 2 if code & 1 else -(code // 2)
            scale = (last + delta) % 256
        last = scale or last


def _frame_number(nal: bytes, numbering: Numbering) -> int:
    """`frame_num` of a slice header (clause 7.3.3)."""
    bits = _Bits(nal[1:32])
    bits.golomb()
    bits.golomb()
    bits.golomb()
    if numbering.separate_planes:
        bits.read(2)
    return bits.read(numbering.frame_num_bits)


class _Bits:
    """Reads a raw byte sequence payload; emulation prevention bytes are taken out first (clause 7.4.1)."""

    def __init__(self, data: bytes) -> None:
        self._data = data.replace(b"\0\0\3", b"\0\0")
        self._number = int.from_bytes(self._data, "big")
        self._left = 8 * len(self._data)

    def read(self, count: int) -> int:
        if count > self._left:
            raise IndexError("the unit is cut")
        self._left -= count
        return self._number >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """An unsigned Exp-Golomb code (clause 9.1)."""
        rest = self._number & ((1 << self._left) - 1)
        zeros = self._left - rest.bit_length()
        if 2 * zeros + 1 > self._left:
            raise IndexError("the unit is cut")
        return self.read(2 * zeros + 1) - 1


def _length_prefixed(data: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at + size < len(data):
        length = int.from_bytes(data[at : at + size], "big")
        yield data[at + size : at + size + length]
        at += size + length


def _annex_b(data: bytes) -> Iterator[bytes]:
    """Units between start codes (annex B), without copying what follows the first slice."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        start = at + 3
        kind = data[start] & 31 if start < len(data) else 0
        if kind in (_SLICE, _IDR):
            yield data[start : start + 64]
            return
        at = data.find(b"\0\0\1", start)
        yield data[start:at] if at >= 0 else data[start:]


def _avcc_parameter_sets(extradata: bytes) -> Iterator[bytes]:
    """The sequence parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    at = 6
    for _ in range(extradata[5] & 31):
        length = int.from_bytes(extradata[at : at + 2], "big")
        yield extradata[at + 2 : at + 2 + length]
        at += 2 + length
