"""Times on the page: seconds as text, and ticks for axes."""

from __future__ import annotations

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)
MOST_TICKS = 8


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Seconds as `m:ss` or `h:mm:ss`, with tenths where moments lie close together.

    >>> clock(75.4), clock(3723), clock(1.24, tenths=True)
    ('1:15', '1:02:03', '0:01.2')
    """
    tens = int(max(seconds, 0.0) * 10 + 1e-6)
    whole = tens // 10
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
    return f"{text}.{tens % 10}" if tenths else text


def time_ticks(duration: float) -> list[tuple[float, str]]:
    """Round times on an axis of that length: (part of the axis, text).

    >>> time_ticks(20.0)[:3]
    [(0.0, '0:00'), (0.25, '0:05'), (0.5, '0:10')]
    """
    duration = max(duration, 1e-3)
    step = next((s for s in STEPS if duration / s <= MOST_TICKS), duration / MOST_TICKS)
    count = int(duration / step + 1e-6)
    return [(k * step / duration, clock(k * step, tenths=step < 1)) for k in range(count + 1)]


def count_ticks(top: int) -> list[int]:
    """Whole numbers on an axis from 0 to `top`.

    >>> count_ticks(3), count_ticks(23)
    ([0, 1, 2, 3], [0, 5, 10, 15, 20])
    """
    size = 1
    while top / size > 5:
        size = _next_step(size)
    return list(range(0, top + 1, size))


def _next_step(size: int) -> int:
    """1, 2, 5, 10, 20, 50, ..."""
    lead = int(str(size)[0])
    return size * 5 // 2 if lead == 2 else size * 2
