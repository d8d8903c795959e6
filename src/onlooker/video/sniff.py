"""What a file is, judged by its first bytes and box structure, never by its name."""

from __future__ import annotations

from typing import BinaryIO

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"#EXTM3U", "an M3U playlist"),
    (0, b"ffconcat", "an ffconcat playlist"),
    (0, b"[playlist]", "a PLS playlist"),
)
_FTYP_PICTURES = (b"avif", b"heic", b"heix", b"mif1")


def detected_type(head: bytes) -> str | None:
    """The kind of content that `head` (the first kilobytes) shows, in words, or None for media or the unknown.

    >>> detected_type(b"<!DOCTYPE html><html>")
    'an HTML page'
    """
    if head[4:8] == b"ftyp" and head[8:12] in _FTYP_PICTURES:
        return "an AVIF or HEIC picture"
    for offset, magic, words in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return words
    return _text_type(head)


def _text_type(head: bytes) -> str | None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if text.startswith(b"<svg") or (b"<svg" in text[:1024] and text.startswith(b"<")):
        return "an SVG picture"
    if text.startswith(b"<?xml") or (text.startswith(b"<") and b">" in text[:512] and _is_text(head)):
        return "an XML document"
    if text.startswith((b"{", b"[")) and _is_text(head):
        return "a JSON document"
    return "plain text" if text and _is_text(head) else None


def _is_text(head: bytes) -> bool:
    try:
        decoded = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a character cut at the end of the sample is still text
            return False
        decoded = head[: error.start].decode("utf-8")
    return not any(ord(c) < 32 and c not in "\t\r\n\f\x1b" for c in decoded)


def mp4_boxes(file: BinaryIO, size: int) -> list[tuple[bytes, int]]:
    """Top-level boxes of an MP4 or MOV file as (name, claimed end in bytes); empty for other content."""
    found: list[tuple[bytes, int]] = []
    offset = 0
    while offset + 8 <= size:
        file.seek(offset)
        header = file.read(16)
        length, name = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - offset
        if length < 8 or not all(32 <= byte < 127 or byte == 0xA9 for byte in name):
            break
        offset += length
        found.append((name, offset))
    known = {b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"wide", b"free", b"skip"}
    return found if any(name in known for name, _ in found) else []


def matroska_segment_end(head: bytes) -> int | None:
    """Where the Segment of a Matroska or WebM file says it ends, in bytes; None when unknown or another format."""
    if head[:4] != b"\x1a\x45\xdf\xa3":
        return None
    length, width = _vint(head, 4)
    if length is None:
        return None
    segment = 4 + width + length
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return None
    length, width = _vint(head, segment + 4)
    return None if length is None else segment + 4 + width + length


def _vint(data: bytes, at: int) -> tuple[int | None, int]:
    """An EBML size at `at`: (value or None when unknown, bytes used)."""
    if at >= len(data) or data[at] == 0:
        return None, 0
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big") & ((1 << (7 * width)) - 1)
    return (None if value == (1 << (7 * width)) - 1 else value), width


def is_cut(file: BinaryIO, size: int) -> bool:
    """Whether the container's own bookkeeping says that the file is longer than it is."""
    file.seek(0)
    head = file.read(4096)
    boxes = mp4_boxes(file, size)
    if boxes:
        return boxes[-1][1] > size
    if head[:4] == b"RIFF":
        return 8 + int.from_bytes(head[4:8], "little") > size
    if head[:4] == b"GIF8":
        file.seek(max(0, size - 1))
        return file.read(1) != b"\x3b"
    if is_transport_stream(head):
        return size % 188 != 0
    end = matroska_segment_end(head)
    return end is not None and end > size


def gif_size(head: bytes) -> tuple[int, int] | None:
    """The (width, height) that a GIF claims; its decoder refuses large ones without saying their size."""
    if head[:4] != b"GIF8":
        return None
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


def is_transport_stream(head: bytes) -> bool:
    """Whether the sync bytes of an MPEG transport stream (188-byte packets) are there."""
    return len(head) > 4 * 188 and all(head[188 * k] == 0x47 for k in range(5))
