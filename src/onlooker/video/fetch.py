"""A file behind an http(s) address, copied to a temporary file within limits."""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from onlooker.errors import MediaError, SourceLost, SourceTimeout, UnsupportedMedia
from onlooker.video.limits import Limits

TIMEOUT = 30.0
"""Seconds without a byte after which the server counts as silent."""
_CHUNK = 1 << 18


def download(url: str, name: str, limits: Limits) -> str:
    """Copy what `url` names to a new temporary file and return its path; the caller removes it.

    Exact access needs the whole packet index, which lies all over the file: one download is cheaper than many range
    requests. Raises SourceLost (refused, not found), SourceTimeout, LimitExceeded, UnsupportedMedia (an endless
    stream).
    """
    opener = urllib.request.OpenerDirector()  # with no handler for files or FTP, redirects cannot lead there
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    handle, path = tempfile.mkstemp(prefix="onlooker-", suffix=".media")
    try:
        with os.fdopen(handle, "wb") as out, opener.open(url, timeout=TIMEOUT) as reply:
            if reply.headers.get_content_type().startswith("multipart/"):
                raise UnsupportedMedia(f"{name}: the address answers with a live stream. Use onlooker.Stream.")
            limits.check_file(int(reply.headers.get("Content-Length") or 0), name)
            total = 0
            while chunk := reply.read(_CHUNK):
                total += len(chunk)
                limits.check_file(total, name)
                out.write(chunk)
    except BaseException as error:
        Path(path).unlink(missing_ok=True)
        if isinstance(error, MediaError) or not isinstance(error, OSError | HTTPException | ValueError):
            raise
        raise _explain(error, url, name) from error
    return path


def _explain(error: Exception, url: str, name: str) -> MediaError:
    host = urlsplit(url).hostname  # never the whole address: it may carry a password
    if isinstance(error, urllib.error.HTTPError):
        return SourceLost(f"{name}: {host} answered {error.code} ({error.reason}). Check the address and the rights.")
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return SourceTimeout(f"{name}: {host} sent nothing for {TIMEOUT:g} s. Try again or download the file first.")
    return SourceLost(f"{name}: {host} cannot be read: {reason}. Check the address and the network.")
