"""The colours of people, as in the annotated video."""

from __future__ import annotations

from onlooker.analysis.drawing import color_of, ink_of


def css_color(track_id: int) -> str:
    """The colour of a track."""
    return _css(color_of(track_id))


def css_ink(track_id: int) -> str:
    """Black or white: what can be read on that colour."""
    return _css(ink_of(track_id))


def chip_style(track_id: int) -> str:
    """Inline style of a person's chip."""
    return f"--color:{css_color(track_id)};--chip-ink:{css_ink(track_id)}"


def _css(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
