"""Opening live sources: what each kind needs, how its refusals are told apart, and no secret in any message."""

from __future__ import annotations

import base64
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import av

from onlooker.video.stream.machine import StreamState

_SECRET = re.compile(r"(?i)\b(pass(?:word|wd)?|pwd|token|secret|key|auth|sig(?:nature)?|session)=[^&\s'\"]+")
_USER = re.compile(r"(?<=://)[^/@\s]+@")
_NETWORK = ("http", "https", "rtsp", "rtsps", "rtmp", "srt", "udp", "rtp", "tcp")
# two seconds tell what a live source sends; it never runs ahead (the flag "nobuffer" would lose those two seconds)
_QUICK = {"analyzeduration": "2000000", "probesize": "2000000"}


# containers that hold their own media: a playlist or a script could name files of this machine or other hosts
_CONTAINERS = "mpegts,mpeg,mpjpeg,mjpeg,flv,matroska,mov,avi,asf,ogg,h264,hevc,m4v,mpegvideo,ivf,nut,obu,gif"
_PLAYLIST_PROTOCOLS = "http,https,tcp,tls,crypto"


class Refused(Exception):
    """The source did not open, or broke; `kind` says what that means for the next attempt."""

    def __init__(self, kind: StreamState, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def masked(text: str) -> str:
    """The text without user names, passwords and tokens of any address in it."""
    return _SECRET.sub(lambda m: f"{m.group(1)}=***", _USER.sub("***@", text))


def is_network(source: str) -> bool:
    """Whether the source is an address rather than a file or device."""
    return urlsplit(source).scheme.lower() in _NETWORK


def is_device(source: str | int) -> bool:
    """Whether the source is a camera of this machine: its number, or /dev/video0."""
    return isinstance(source, int) or source.startswith("/dev/")


class Connection:
    """One open source: `container` to demux, and `close`, which also ends a read that waits in another thread."""

    def __init__(self, container: Any, body: Body | None = None) -> None:
        self.container = container
        self.body = body

    def close(self) -> None:
        """Let everything go; called by the thread that reads."""
        self.container.close()
        if self.body is not None:
            self.body.close()


def connect(source: str | int, *, patience: float, on_open: Callable[[Body], None]) -> Connection:
    """Open a source. A read that gives nothing for `patience` seconds ends with an error.

    `on_open` gets the body of an HTTP reply as soon as there is one, so that another thread can cut it off.
    Raises Refused.
    """
    try:
        if is_device(source):
            path = f"/dev/video{source}" if isinstance(source, int) else source
            return Connection(av.open(path, format="v4l2", timeout=(patience, patience)))
        if not isinstance(source, str) or not is_network(source):
            return Connection(av.open(f"file:{source}", options={"format_whitelist": _CONTAINERS}))
        address = urlsplit(source)
        _resolve(address)
        if address.scheme in ("http", "https") and not address.path.endswith((".m3u8", ".mpd")):
            return _connect_http(address, patience, on_open)
        options = {**_QUICK, "rw_timeout": str(int(patience * 1e6))}
        if address.scheme.startswith("rtsp"):
            options |= {"rtsp_transport": "tcp", "timeout": str(int(patience * 1e6))}
        if address.scheme in ("http", "https"):
            options["protocol_whitelist"] = _PLAYLIST_PROTOCOLS
        return Connection(av.open(source, options=options, timeout=(patience, patience)))
    except Refused:
        raise
    except (OSError, HTTPException, ValueError, av.FFmpegError) as error:
        raise refused(error) from None  # the cause may carry the address with its password


def refused(error: Exception) -> Refused:
    """What an error of a library means for the source."""
    code = getattr(error, "code", None)
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError) or code in (401, 403):
        return Refused(StreamState.FAILED_AUTH, "the source refuses these credentials: check user name and password")
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.gaierror):
        return Refused(StreamState.FAILED_DNS, "the host name is not known: check the address and the network")
    if isinstance(error, av.error.InvalidDataError):
        return Refused(StreamState.RECONNECTING, "what the source sends is no video")
    if isinstance(reason, TimeoutError | av.error.ExitError):
        return Refused(StreamState.RECONNECTING, "the source sends nothing")
    if isinstance(reason, ConnectionRefusedError):
        return Refused(StreamState.RECONNECTING, "the source refuses the connection")
    if code is not None:
        return Refused(StreamState.RECONNECTING, f"the source answers {code}")
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return Refused(StreamState.RECONNECTING, masked(str(text)))


def _resolve(address: SplitResult) -> None:
    # FFmpeg tells an unknown host by the same code as any other input error
    if address.hostname:
        try:
            socket.getaddrinfo(address.hostname, address.port or 0, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise refused(error) from None


class Body:
    """The body of an HTTP reply as FFmpeg reads it. `cut` makes a read in another thread return at once."""

    def __init__(self, reply: Any) -> None:
        self._reply = reply
        self._lock = threading.Lock()
        self._over = False

    def read(self, size: int) -> bytes:
        if self._over:
            return b""
        try:
            data: bytes = self._reply.read1(size)
        except ValueError:  # cut off while reading
            return b""
        return data

    def cut(self) -> None:
        with self._lock:
            self._over = True
            with suppress(AttributeError, OSError):
                self._reply.fp.raw._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        with suppress(OSError, ValueError):
            self._reply.close()


class _NoOtherProtocol(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise urllib.error.URLError("redirected to a protocol that is not allowed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _connect_http(address: SplitResult, patience: float, on_open: Callable[[Body], None]) -> Connection:
    host = address.netloc.rpartition("@")[2]
    url = address._replace(netloc=host, fragment="").geturl()
    request = urllib.request.Request(url, headers={"User-Agent": "onlooker", "Accept": "*/*"})
    handlers: list[Any] = [_NoOtherProtocol()]
    if address.username is not None:
        user, password = unquote(address.username), unquote(address.password or "")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password)
        handlers.append(urllib.request.HTTPDigestAuthHandler(known))
    reply = urllib.request.build_opener(*handlers).open(request, timeout=patience)
    body = Body(reply)
    on_open(body)
    try:
        multipart = reply.headers.get_content_maintype() == "multipart"
        options = {**_QUICK, "format_whitelist": _CONTAINERS}
        container = av.open(body, format="mpjpeg" if multipart else None, options=options)
    except BaseException:
        body.close()
        raise
    return Connection(container, body)
