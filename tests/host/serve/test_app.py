"""The web application: the page, its WebSocket, the stream, downloads, and who may use them."""

import io
import json
import struct
import time
import zipfile
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from host.serve import app as application
from host.serve import pages
from host.serve.app import make_app
from host.serve.guard import is_loopback
from host.serve.limits import IN_FLIGHT, MESSAGE_BURST, MOST_PAGES, MOST_STREAMS
from tests.host.scenes import WIDTH
from tests.host.serve.shows import middle, show, until, write_clip, write_still

HERE, LIVE = "http://localhost:8000", "ws://localhost:8000/live"


@contextmanager
def served(source, tmp_path, token=None):
    with show(source, tmp_path / "out") as live:
        live.joins(pages=-1)  # pages count themselves
        until(lambda: live.tracking.tracked.get()[1])
        with TestClient(make_app(live, token), base_url=HERE) as client:
            yield live, client


@pytest.fixture
def still(tmp_path):
    with served(write_still(tmp_path / "frames"), tmp_path) as both:
        yield both


class Reader:
    """The page's end of a WebSocket."""

    def __init__(self, socket):
        self.socket, self.state, self.about = socket, None, None

    def send(self, **command):
        self.socket.send_text(json.dumps(command))

    def next(self, kind, wanted=lambda message: True):
        """The next message of a kind that is as wanted; pictures are acknowledged."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            message = self.socket.receive()
            if message["type"] == "websocket.close":
                raise WebSocketDisconnect(message["code"], message.get("reason"))
            if message.get("bytes") is not None:
                head, jpeg = self.picture(message["bytes"])
                self.send(do="seen", number=head["answer"])
                if kind == "picture" and wanted((head, jpeg)):
                    return head, jpeg
                continue
            said = json.loads(message["text"])
            setattr(self, said["type"], said)
            if said["type"] == kind and wanted(said):
                return said
        raise AssertionError(f"no {kind} within 20 s")

    @staticmethod
    def picture(message):
        (length,) = struct.unpack(">I", message[:4])
        return json.loads(message[4 : 4 + length]), message[4 + length :]

    reply: dict
    error: dict


@contextmanager
def page(client, **headers):
    with client.websocket_connect(LIVE, headers=headers) as socket:
        yield Reader(socket)


def test_the_page_asks_nothing_of_other_sites(still):
    _, client = still
    html = client.get("/")
    assert (
        html.status_code == 200 and "default-src 'none'" in html.headers["content-security-policy"]
    )
    texts = [html.text]
    for name in ("style.css", "main.js", "connection.js", "stage.js", "objects.js", "rates.js"):
        answer = client.get(f"/page/{name}")
        assert answer.status_code == 200, name
        texts.append(answer.text)
    assert client.get("/page/icon.svg").headers["content-type"].startswith("image/svg")
    assert not [t for t in texts if "https://" in t or "@import" in t or "cdn" in t]
    assert client.get("/page/../app.py").status_code == 404
    assert client.get("/nothing").status_code == 404


def test_what_the_page_uses_is_there(still):
    """Every id that the scripts look for stands in the page, and every module that they import."""
    import re

    _, client = still
    html = client.get("/").text
    scripts = [p for p in application.PAGE.iterdir() if p.suffix == ".js"]
    assert len(scripts) == 5
    for script in scripts:
        text = script.read_text()
        for name in re.findall(r'\bat\("([\w-]+)"\)', text):
            assert f'id="{name}"' in html, (script.name, name)
        for name in re.findall(r'from "\./([\w.]+)"', text):
            assert (application.PAGE / name).is_file(), (script.name, name)
    ids = re.findall(r'\bid="([\w-]+)"', html)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'aria-(?:labelledby|describedby)="([\w\s-]+)"', html):
        assert set(target.split()) <= set(ids)


def test_every_control_has_a_name(still):
    import re

    _, client = still
    html = client.get("/").text
    for tag in re.findall(
        r"<(?:button|input|a) [^>]*>[^<]*(?:<svg>.*?</svg>)?(?:<span>\w+)?", html
    ):
        assert "aria-label=" in tag or re.search(r"<span>\w+$|>\w+$", tag), tag


def test_a_click_is_answered_with_a_mask_and_followed(tmp_path):
    with served(write_clip(tmp_path / "clip.mp4"), tmp_path) as (_, client), page(client) as one:
        about = one.next("about")
        assert (about["model"], about["device"], about["finds"]) == ("fake", "fake", False)
        one.send(do="play", on=False)
        head, jpeg = one.next("picture")
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (head["height"], head["width"], 3) and head["width"] > WIDTH
        red = picture[..., 2].astype(int) - picture[..., 1] > 100
        ys, xs = np.nonzero(red)
        x, y = xs.mean() / head["width"], ys.mean() / head["height"]
        one.send(do="point", x=x, y=y)
        assert one.next("reply")["started"] == 1
        head, _ = one.next("picture", lambda p: p[0]["objects"])
        (found,) = head["objects"]
        left, top, right, bottom = found["box"]
        assert left < x < right and top < y < bottom and found["present"]
        one.send(do="play", on=True)
        later, _ = one.next("picture", lambda p: p[0]["number"] > head["number"] + 3)
        assert later["objects"][0]["present"] and later["stages"]["mask_decoder"] > 0
        state = one.next("state", lambda s: s["objects"])
        assert state["objects"][0]["colour"] == "#ff5c33" and state["rates"]["source"] > 5


def test_two_pages_see_one_show(still):
    live, client = still
    with page(client) as one, page(client) as two:
        one.next("picture"), two.next("picture")
        assert live.watched == (2, 0)
        x, y = middle(0)
        one.send(do="point", x=x, y=y)
        assert one.next("reply")["started"] == 1
        two.send(do="rename", id=1, name="red one")
        for each in (one, two):
            each.next("state", lambda s: [o["name"] for o in s["objects"]] == ["red one"])
        two.send(do="remove", id=1)
        one.next("state", lambda s: not s["objects"])
        one.send(do="rename", id=1, name="late")
        assert "object 1 is gone" in one.next("error")["message"]
        assert not hasattr(two, "error")  # what one does wrong is its own business
    until(lambda: live.watched == (0, 0), "both pages leaving")


def test_a_page_too_many_is_told(still):
    live, client = still
    live.joins(pages=MOST_PAGES)
    with page(client) as one:
        assert "pages are open" in one.next("error")["message"]
        with pytest.raises(WebSocketDisconnect) as caught:
            one.next("state")
        assert caught.value.code == pages.FULL
    live.joins(pages=-1)
    with page(client) as one:
        one.next("about")


def test_nonsense_is_answered_and_the_page_goes_on(still):
    _, client = still
    with page(client) as one:
        for message, wanted in (
            ("what", "no JSON"),
            ('{"do": "box", "box": [2, 2, 3, 3]}', "outside the picture"),
            ('{"do": "point", "x": 7, "y": 0}', "outside the picture"),
            ('{"do": "phrase", "text": "fish"}', "detector"),
        ):
            one.socket.send_text(message)
            assert wanted in one.next("error")["message"]
        one.socket.send_bytes(b"\x00\xff")
        assert "binary" in one.next("error")["message"]
        one.next("picture") if one.state is None else one.next("state")


def test_a_flood_is_held_off_and_then_sent_away(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4")
    with served(clip, tmp_path) as (live, client), page(client) as bad, page(client) as good:
        good.next("picture")

        def flood(count):
            for _ in range(count):
                bad.socket.send_text('{"do": "rename", "id": 1, "name": "x"}')

        flood(int(MESSAGE_BURST) + 700)
        bad.next("error", lambda e: "too many messages" in e["message"])
        with pytest.raises(WebSocketDisconnect) as caught:
            for _ in range(100):  # a machine with other work takes long enough to forgive some
                bad.next("state")
                flood(100)
        assert caught.value.code == pages.FLOODED
        number = live.tracking.tracked.get()[1].number
        good.next("picture", lambda p: p[0]["number"] > number + 2)  # the rest goes on


def test_a_page_that_sees_nothing_gets_no_more(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4")
    with served(clip, tmp_path) as (live, client), client.websocket_connect(LIVE) as socket:
        pictures = 0
        number = live.tracking.tracked.get()[1].number
        until(lambda: live.tracking.tracked.get()[1].number > number + 20)
        for _ in range(8):  # the news goes on, twice a second
            pictures += socket.receive().get("bytes") is not None
        assert pictures == IN_FLIGHT


def test_a_page_that_leaves_without_a_word_is_forgotten(tmp_path):
    with served(write_clip(tmp_path / "clip.mp4"), tmp_path) as (live, client):
        for _ in range(MOST_PAGES + 2):
            with page(client) as one:
                one.next("about")
        until(lambda: live.watched == (0, 0))
        assert live.drawing.pictures._listeners == []


def test_nothing_is_drawn_where_nobody_looks(still):
    live, client = still
    drawn = live.drawing.pictures.get()[0]
    time.sleep(0.2)
    assert live.drawing.pictures.get()[0] == drawn
    with page(client) as one:
        one.next("picture")


def test_downloads(still):
    live, client = still
    with page(client) as one:
        x, y = middle(0)
        one.send(do="point", x=x, y=y)
        one.next("reply")
    picture = client.get("/snapshot.png")
    assert picture.headers["content-type"] == "image/png"
    assert "attachment" in picture.headers["content-disposition"]
    decoded = cv2.imdecode(np.frombuffer(picture.content, np.uint8), 1)
    assert decoded is not None and decoded.shape[1] == WIDTH
    packed = client.get("/masks.zip")
    assert "object_1.png" in zipfile.ZipFile(io.BytesIO(packed.content)).namelist()
    assert client.get("/phrases.json").json() == []


def test_recordings_are_given_and_nothing_else_of_the_disk(still, tmp_path):
    live, client = still
    with page(client) as one:
        one.send(do="record", on=True)
        until(lambda: live.recording._size)
        one.send(do="record", on=False)
        name = one.next("state", lambda s: s["clips"])["clips"][0]
    answer = client.get(f"/recordings/{name}")
    assert answer.status_code == 200 and answer.content[4:8] == b"ftyp"
    (tmp_path / "secret.mp4").write_bytes(b"x")
    for path in ("none.mp4", "..%2Fsecret.mp4", "%2e%2e/secret.mp4", "..%5csecret.mp4"):
        assert client.get(f"/recordings/{path}").status_code == 404


def test_before_the_first_picture_there_is_nothing_to_download(tmp_path):
    with show("97", tmp_path) as live, TestClient(make_app(live), base_url=HERE) as client:
        assert client.get("/snapshot.png").status_code == 503
        with page(client) as one:
            state = one.next("state", lambda s: s["notices"])
            assert state["notices"][0].startswith("there is no camera 97")


def test_readers_of_the_stream_are_limited(still):
    live, client = still
    live.joins(streams=MOST_STREAMS)
    assert client.get("/stream.mjpg").status_code == 503
    live.joins(streams=-MOST_STREAMS)


def test_other_sites_are_kept_out(still):
    live, client = still
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/", headers={"host": "[::1]:8000"}).status_code == 200
    with pytest.raises(WebSocketDisconnect), page(client, origin="http://evil.example"):
        pass
    with pytest.raises(WebSocketDisconnect), page(client, host="evil.example"):
        pass
    with page(client, origin=HERE) as one:
        one.next("about")
    assert live.watched[0] <= 1


def test_a_token_is_asked_for_and_kept(tmp_path):
    with served(write_still(tmp_path / "frames"), tmp_path, "Sesame-12") as (live, client):
        for path in ("/", "/snapshot.png", "/stream.mjpg", "/page/main.js", "/?token=wrong"):
            answer = client.get(path)
            assert answer.status_code == 403 and "token is needed" in answer.text
        with pytest.raises(WebSocketDisconnect), page(client):
            pass
        assert client.get("/snapshot.png?token=Sesame-12").status_code == 200  # for notebooks
        first = client.get("/?token=Sesame-12&a=1", follow_redirects=False)
        assert first.status_code == 303 and first.headers["location"] == "/?a=1"
        cookie = first.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert client.get("/").status_code == 200  # by the cookie
        with page(client) as one:
            one.next("about")


def test_what_is_of_this_machine_alone():
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.3.2.1", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.2.99", "board.local", "")))
