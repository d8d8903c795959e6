"""Memory for clips that is used again once nobody holds the clip any more.

Fresh memory costs as much time as colour conversion, because the system must clear and map each page.
"""

from __future__ import annotations

import sys
import threading
from functools import cache

import numpy as np

from onlooker.video.frames import Images

_POOLED = 2
_POOLED_BYTES = 64 << 20
_KEPT_BYTES = 31 << 20

_lock = threading.Lock()
_pool: list[Images] = []


def allocate(count: int, height: int, width: int) -> Images:
    """Uninitialised images (count, height, width, 3). At most two buffers of 64 MiB stay with the process."""
    need = count * height * width * 3
    shape = (count, height, width, 3)
    with _lock:
        for buffer in _pool:
            # references: the pool's, the loop's and getrefcount's own; no array lies in this memory
            if sys.getrefcount(buffer) == 3 and need <= buffer.size <= 4 * need:
                return buffer[:need].reshape(shape)
        buffer = np.empty(need, np.uint8)
        if need <= _POOLED_BYTES:
            _pool[:] = [buffer, *_pool[: _POOLED - 1]]
        return buffer.reshape(shape)


@cache
def keep_memory() -> None:
    """Have the C library keep the memory of freed pictures instead of handing each back to the system.

    glibc does so for blocks up to the largest that was ever freed (mallopt(3), M_MMAP_THRESHOLD; 32 MiB at most), so
    one free of that size is enough; elsewhere this does nothing.
    """
    block = np.empty(_KEPT_BYTES, np.uint8)
    del block
