"""Live sources: cameras, streams, and files played as if they were live."""

from __future__ import annotations

from onlooker.video.stream.live import Stream
from onlooker.video.stream.machine import StreamState
from onlooker.video.stream.records import StreamFrame, StreamMetrics

__all__ = ["Stream", "StreamFrame", "StreamMetrics", "StreamState"]
