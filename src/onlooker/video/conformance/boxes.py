"""Editing the index of an MP4 file (ISO 14496-12 boxes) so that it lies, jumps or turns.

Only files whose `moov` lies behind the media data are edited: their chunk offsets stay true when `moov` changes size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from onlooker.errors import ConfigError

PARENTS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"}
Edit = Callable[[bytes], bytes]


def edit_boxes(path: Path, edits: dict[str, Edit]) -> None:
    """Rewrite the payload of boxes named by their path (`"trak/mdia/minf/stbl/stsz"`, below `moov`), in every track."""
    data = path.read_bytes()
    top = _children(data)
    names = [name for name, _ in top]
    if b"moov" not in names or names.index(b"moov") < names.index(b"mdat"):
        raise ConfigError(f"{path.name}: only MP4 files with the index behind the data can be edited")
    done: set[str] = set()
    out = b"".join(_box(name, _edited(body, "", edits, done) if name == b"moov" else body) for name, body in top)
    if done != set(edits):
        raise ConfigError(f"{path.name}: no box {', '.join(sorted(set(edits) - done))}")
    path.write_bytes(out)


def add_phantom_samples(path: Path, extra: int) -> None:
    """Let the index promise `extra` more samples, which would lie behind the end of the file."""
    beyond = path.stat().st_size * 2
    chunks = 0

    def stco(body: bytes) -> bytes:
        nonlocal chunks
        chunks = struct.unpack(">I", body[4:8])[0] + 1
        return body[:4] + struct.pack(">I", chunks) + body[8:] + struct.pack(">I", beyond)

    def stsz(body: bytes) -> bytes:
        count = struct.unpack(">I", body[8:12])[0]
        return body[:8] + struct.pack(">I", count + extra) + body[12:] + struct.pack(">I", 100) * extra

    def stsc(body: bytes) -> bytes:
        count = struct.unpack(">I", body[4:8])[0]
        return body[:4] + struct.pack(">I", count + 1) + body[8:] + struct.pack(">III", chunks, extra, 1)

    def stts(body: bytes) -> bytes:
        count = struct.unpack(">I", body[4:8])[0]
        delta = struct.unpack(">I", body[12:16])[0]
        return body[:4] + struct.pack(">I", count + 1) + body[8:] + struct.pack(">II", extra, delta)

    table = "trak/mdia/minf/stbl"
    edit_boxes(path, {f"{table}/stco": stco})  # first: it says how many chunks there are
    edit_boxes(path, {f"{table}/stsz": stsz, f"{table}/stsc": stsc, f"{table}/stts": stts})


def cut_presentation(path: Path, seconds: float) -> None:
    """Let the edit list end the presentation after `seconds`; the media behind stays in the file."""
    scale = _movie_scale(path)

    def elst(body: bytes) -> bytes:
        count = struct.unpack(">I", body[4:8])[0]
        at = 8 + 12 * (count - 1)
        return body[:at] + struct.pack(">I", round(seconds * scale)) + body[at + 4 :]

    edit_boxes(path, {"trak/edts/elst": elst})


def matrix_of(path: Path) -> tuple[float, float, float, float]:
    """`a, b, c, d` of the first track's display matrix: a stored point (p, q) is shown at (a p + c q, b p + d q)."""
    found: list[tuple[float, float, float, float]] = []

    def tkhd(body: bytes) -> bytes:
        at = 40 if body[0] == 0 else 52
        a, b, _, c, d, *_ = struct.unpack(">9i", body[at : at + 36])
        found.append((a / 65536, b / 65536, c / 65536, d / 65536))
        return body

    _edited(_moov(path), "", {"trak/tkhd": tkhd}, set())
    return found[0]


def _movie_scale(path: Path) -> int:
    for name, body in _children(_moov(path)):
        if name == b"mvhd":
            at = 12 if body[0] == 0 else 20
            return int(struct.unpack(">I", body[at : at + 4])[0])
    raise ConfigError(f"{path.name}: no mvhd box")


def _moov(path: Path) -> bytes:
    return next(body for name, body in _children(path.read_bytes()) if name == b"moov")


def _edited(data: bytes, prefix: str, edits: dict[str, Edit], done: set[str]) -> bytes:
    out = []
    for name, body in _children(data):
        where = f"{prefix}{name.decode('latin-1')}"
        if where in edits:
            body = edits[where](body)
            done.add(where)
        elif name in PARENTS:
            body = _edited(body, f"{where}/", edits, done)
        out.append(_box(name, body))
    return b"".join(out)


def _children(data: bytes) -> list[tuple[bytes, bytes]]:
    boxes, at = [], 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        header = 8
        if size == 1:
            size, header = struct.unpack(">Q", data[at + 8 : at + 16])[0], 16
        size = size or len(data) - at
        boxes.append((name, data[at + header : at + size]))
        at += size
    return boxes


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body
