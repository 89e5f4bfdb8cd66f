"""The web application: the page and its files, its WebSocket, the stream, downloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from host.serve import downloads
from host.serve.drawing import encoded
from host.serve.guard import Guard
from host.serve.limits import MOST_STREAMS
from host.serve.live import Live
from host.serve.pages import Page
from host.serve.recording import SUFFIX
from host.serve.tracking import Tracked

PAGE = Path(__file__).resolve().parent / "page"
BOUNDARY = "frame"


def make_app(live: Live, token: str | None = None) -> Starlette:
    """The application around a running show; token: see `Guard`."""

    async def page(request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def socket(connection: WebSocket) -> None:
        await Page(live, connection).run()

    async def stream(request: Request) -> Response:
        if live.watched[1] >= MOST_STREAMS:
            return PlainTextResponse(f"{MOST_STREAMS} readers are the most\n", 503)
        return StreamingResponse(
            parts(live), media_type=f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        )

    async def phrases(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(live.tracking.looking.vocabulary))

    async def download(make: Callable[[Tracked], bytes], name: str, media_type: str) -> Response:
        _, tracked = live.tracking.tracked.get()
        if tracked is None:
            return PlainTextResponse("there is no picture yet\n", 503)
        content = await run_in_threadpool(make, tracked)
        kept = f'attachment; filename="{name.format(tracked.number)}"'
        return Response(content, 200, {"Content-Disposition": kept}, media_type)

    async def snapshot(request: Request) -> Response:
        return await download(downloads.snapshot, "samfabric_{:06d}.png", "image/png")

    async def masks(request: Request) -> Response:
        return await download(downloads.masks, "samfabric_{:06d}_masks.zip", "application/zip")

    async def clip(request: Request) -> Response:
        name = request.path_params["name"]
        path = live.recording.folder / name
        if Path(name).name != name or not name.endswith(SUFFIX) or not path.is_file():
            return PlainTextResponse("there is no such recording\n", 404)
        return FileResponse(path, media_type="video/mp4", filename=name)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/stream.mjpg", stream),
            Route("/phrases.json", phrases),
            Route("/snapshot.png", snapshot),
            Route("/masks.zip", masks),
            Route("/recordings/{name}", clip),
            WebSocketRoute("/live", socket),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[Middleware(Guard, token=token)],
    )


async def parts(live: Live) -> AsyncIterator[bytes]:
    """Labelled pictures as the parts of a multipart answer, the newest whenever one is wanted."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(news.set)

    end = live.drawing.pictures.listen(wake)
    live.joins(streams=1)
    sent = 0
    try:
        while True:
            version, picture = live.drawing.pictures.get()
            if picture is not None and picture.labelled is not None and version != sent:
                sent = version
                jpeg = await run_in_threadpool(encoded, picture.labelled)
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                yield head.encode() + b"\r\n\r\n" + jpeg + b"\r\n"
            await news.wait()
            news.clear()
    finally:
        live.joins(streams=-1)
        end()
