"""The server runs the page: it takes the port, opens the device and the source, and serves until
Ctrl-C.
"""

from __future__ import annotations

import errno
import gc
import secrets
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from host.device import Device
from host.errors import UsageError
from host.media.demo_clip import write_demo_clip
from host.serve.app import make_app
from host.serve.capture import check_source
from host.serve.guard import is_loopback
from host.serve.limits import MESSAGE_BYTES
from host.serve.live import Live

DEMO = "demo"
"""The source that the project draws itself."""
DEMO_FRAMES, DEMO_FPS = 240, 30.0
BACKLOG = 64
CONNECTIONS = 96
"""Connections at once, of which a browser opens some six."""
END_S = 3
"""Pages get this many seconds to close when the server ends."""
SHORTEST_TOKEN = 8


@dataclass(frozen=True)
class Serving:
    """This says where and what to serve. token is what visitors must know; None makes one where
    `host` is not the loopback.
    """

    source: str = "0"
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    out: Path = Path("recordings")

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise UsageError(
                "a token that can be guessed", f"give {SHORTEST_TOKEN} characters or more"
            )

    @property
    def needed_token(self) -> str | None:
        """Returns what visitors must know, or None on the loopback."""
        if self.token is not None:
            return self.token
        return None if is_loopback(self.host) else secrets.token_urlsafe(12)


def bound(host: str, port: int) -> socket.socket:
    """Returns a socket that listens there. Raises UsageError where that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(
            f"no address {host!r}, port {port}", "--host 127.0.0.1 is this machine"
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            remedy = "another program, or another page, has it: choose one with --port"
            raise UsageError(f"port {port} of {host} is in use", remedy) from error
        if error.errno == errno.EACCES:
            raise UsageError(f"port {port} may not be used", "choose one above 1023") from error
        raise UsageError(
            f"cannot listen on {host}: {error.strerror}", "choose another --host"
        ) from error
    return listener


def serve(
    serving: Serving, open_device: Callable[[], Device], say: Callable[[str], None] = print
) -> None:
    """Serves until Ctrl-C and tells `say` where the page is.

    Raises UsageError for a port in use and SourceError for a file that cannot be read, before the
    device is opened.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(bound(serving.host, serving.port))
        source = serving.source
        if source == DEMO:
            say("drawing the clip, some seconds")
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="samfabric-"))
            source = str(Path(folder) / "clip.mp4")
            write_demo_clip(source, DEMO_FRAMES, fps=DEMO_FPS)
        check_source(source)
        live = Live(open_device(), source, serving.out)
        gc.collect()
        gc.freeze()  # what is loaded by now stays: later collections take no time over it
        live.start()
        stack.callback(live.close)
        token = serving.needed_token
        port = listener.getsockname()[1]
        name = f"[{serving.host}]" if ":" in serving.host else serving.host
        if name in ("0.0.0.0", "[::]"):  # every address of this machine
            name = socket.gethostname()
        query = "" if token is None else f"/?token={token}"
        say(f"http://{name}:{port}{query}  (Ctrl-C ends it)")
        config = uvicorn.Config(
            make_app(live, token),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws_max_size=4 * MESSAGE_BYTES,
            ws_ping_interval=20,
            ws_ping_timeout=20,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=END_S,
            server_header=False,
        )
        with suppress(KeyboardInterrupt):  # which is how it ends
            uvicorn.Server(config).run(sockets=[listener])
