"""A page has one connection: pictures and news go out, commands come in.

Out: {"type": "about" | "state" | "reply" | "error", ...} as text, and pictures as binary messages:
a four-byte length (big-endian), a head of that length in JSON, a JPEG. A page that has not said
that it has seen a picture gets no more than one beyond it, so nothing queues on the way either.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import time
from collections import deque
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from host.errors import SamFabricError, UsageError
from host.serve.commands import Seen, read_command
from host.serve.drawing import Picture
from host.serve.limits import (
    FLOOD,
    IN_FLIGHT,
    MESSAGE_BURST,
    MESSAGES_A_SECOND,
    MOST_PAGES,
    SEND_S,
)
from host.serve.live import Live
from host.serve.tracking import Reply

log = logging.getLogger(__name__)

STATE_S = 0.5
"""Rates are reported once in this many seconds."""
REPLIES = 16
"""Replies that may wait for a page; older ones go."""
FULL, FLOODED = 1013, 1008
"""Close codes of RFC 6455 and its registry: try again later, policy violation."""


class Allowance:
    """An allowance says how many messages a page may still send; it refills with time. refused
    counts those refused since it was full.
    """

    def __init__(self) -> None:
        self._left, self._last, self.refused = MESSAGE_BURST, time.monotonic(), 0

    def take(self) -> bool:
        """Tells whether one more message is taken."""
        now = time.monotonic()
        self._left = min(MESSAGE_BURST, self._left + (now - self._last) * MESSAGES_A_SECOND)
        self._last = now
        if self._left == MESSAGE_BURST:  # it has been quiet
            self.refused = 0
        if self._left < 1:
            self.refused += 1
            return False
        self._left -= 1
        return True


def framed(picture: Picture) -> bytes:
    """Returns a picture as a binary message."""
    head = json.dumps(picture.head, separators=(",", ":")).encode()
    return struct.pack(">I", len(head)) + head + picture.jpeg


class Page:
    """A page serves one WebSocket until either side ends it."""

    def __init__(self, live: Live, socket: WebSocket) -> None:
        self._live, self._socket = live, socket
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._replies: deque[dict[str, Any]] = deque(maxlen=REPLIES)
        self._sent, self._seen, self._unseen = 0, 0, deque[int]()
        self._state: dict[str, Any] | None = None
        self._told = 0.0

    async def run(self) -> None:
        """Accepts the page and serves it."""
        await self._socket.accept()
        live = self._live
        if live.watched[0] >= MOST_PAGES:
            await self._say(
                {
                    "type": "error",
                    "message": f"{MOST_PAGES} pages are open, the most at once: close one",
                }
            )
            await self._socket.close(FULL)
            return
        ends = [
            live.drawing.pictures.listen(self._wake),
            live.tracking.tracked.listen(self._wake),
        ]
        live.joins(pages=1)
        tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            live.joins(pages=-1)
            for end in ends:
                end()
            for task in tasks:
                task.add_done_callback(_report)
                task.cancel()

    def _wake(self) -> None:
        """There is news; from any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._news.set)

    async def _say(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False)
        await asyncio.wait_for(self._socket.send_text(text), SEND_S)

    async def _send(self) -> None:
        await self._say({"type": "about", **self._live.about()})
        while True:
            while self._replies:
                await self._say(self._replies.popleft())
            await self._tell_state()
            version, picture = self._live.drawing.pictures.get()
            if picture is not None and version != self._sent and len(self._unseen) < IN_FLIGHT:
                self._sent = version
                self._unseen.append(picture.head["answer"])
                await asyncio.wait_for(self._socket.send_bytes(framed(picture)), SEND_S)
            try:
                await asyncio.wait_for(self._news.wait(), STATE_S)
            except asyncio.TimeoutError:
                continue
            self._news.clear()

    async def _tell_state(self) -> None:
        state, now = self._live.state(), time.monotonic()
        if state == self._state and now - self._told < STATE_S:
            return
        self._state, self._told = state, now
        await self._say({"type": "state", **state, "rates": self._live.rates()})

    async def _receive(self) -> None:
        allowance = Allowance()
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not allowance.take():
                if allowance.refused == 1:
                    self._fail(UsageError("too many messages at once", "slow down"))
                if allowance.refused > FLOOD:
                    await self._socket.close(FLOODED)
                    return
                continue
            text = message.get("text")
            try:
                if text is None:
                    raise UsageError("a binary message", "send text")
                self._take(text)
            except SamFabricError as error:
                self._fail(error)

    def _take(self, text: str) -> None:
        command = read_command(text)
        if isinstance(command, Seen):
            while self._unseen and self._unseen[0] <= command.number:
                self._unseen.popleft()
            self._news.set()
            return

        def answer(reply: Reply) -> None:  # in the tracker's thread
            if reply.error is not None:
                self._fail(reply.error)
            elif reply.started is not None or reply.said is not None:
                self._reply({"type": "reply", "started": reply.started, "said": reply.said})

        self._live.ask(command, answer)

    def _fail(self, error: SamFabricError) -> None:
        self._reply({"type": "error", "message": str(error)})

    def _reply(self, message: dict[str, Any]) -> None:
        self._replies.append(message)
        self._wake()


GONE = (WebSocketDisconnect, asyncio.TimeoutError, RuntimeError, OSError)
"""Sending to a page that has left ends in one of these errors."""


def _report(task: asyncio.Task[None]) -> None:
    """Tells of an end that no leaving explains."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, GONE):
        log.error("a page's connection failed", exc_info=error)
