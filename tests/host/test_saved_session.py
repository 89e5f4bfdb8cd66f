"""Sessions in files: resumed to the bit, and every file that is none refused with a word."""

import io
import json
import zipfile

import numpy as np
import pytest

from host.bank import MemoryBank
from host.errors import SavedSessionError
from host.policy import Entry, Policy
from host.prompts import Prompt
from host.saved_session import fingerprint
from host.session import Session
from host.session_state import KNOWN_MASKS
from tests.host.fake_device import GRID, FakeDevice, make_spec
from tests.host.scenes import HEIGHT, WIDTH, both_frame, corner, square_mask

X = corner(0)[0]


def pixels(**kwargs):
    return Prompt.from_pixels(HEIGHT, WIDTH, **kwargs)


RED, BLUE = pixels(points=[(X + 16, 32)], labels=[1]), pixels(box=(X, 56, X + 31, 87))
PLAN = {
    0: {1: RED, -7: BLUE},
    3: {1: pixels(points=[(X + 14, 18)], labels=[0])},
    5: {4: pixels(mask=square_mask(*corner(5)))},
    7: {11: Prompt.from_logits(np.where(np.indices((GRID, GRID))[0] < GRID // 2, 3.5, -2.0))},
    6: {9: pixels(mask=np.zeros((HEIGHT, WIDTH), bool))},  # never shown: it stays absent
}


def same(a, b):
    assert a.frame_index == b.frame_index and list(a.objects) == list(b.objects)
    for i, one in a.objects.items():
        other = b.objects[i]
        assert (one.score, one.iou, one.present) == (other.score, other.iou, other.present)
        assert (one.logits == other.logits).all()
        assert (one.video_logits() == other.video_logits()).all()
        assert (one.answer.candidates == other.answer.candidates).all()


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("window", [0, 0.9])
@pytest.mark.parametrize("policy", [Policy(), Policy(reach=0.05), Policy(likeness=0.97)])
def test_a_resumed_session_goes_on_to_the_bit(tmp_path, at, window, policy):
    device, other = FakeDevice(policy=policy), FakeDevice(policy=policy)
    whole, first = Session(device, window=window), Session(other, window=window)
    for index in range(at + 1):
        whole.step(both_frame(index), PLAN.get(index))
        first.step(both_frame(index), PLAN.get(index))
    first.save(tmp_path / "s.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["s.npz"]
    device_of_another_kind = FakeDevice(policy=policy)
    resumed = Session.load(tmp_path / "s.npz", device_of_another_kind)
    assert resumed.object_ids == whole.object_ids
    correction = {1: pixels(points=[(corner(at)[0] + 2, 18)], labels=[0])}
    same(whole.refine(correction), resumed.refine(correction))
    box = {-7: pixels(box=(corner(at)[0], 60, corner(at)[0] + 20, 80))}
    same(whole.refine(box), resumed.refine(box))
    for index in range(at + 1, at + 12):
        frame = both_frame(index % 15)
        same(whole.step(frame, PLAN.get(index)), resumed.step(frame, PLAN.get(index)))
        now = device.seen["memory_attention"], device_of_another_kind.seen["memory_attention"]
        assert (now[0]["memory_keys"] == now[1]["memory_keys"]).all()
    # Saving what was resumed gives the same file again.
    whole.save(tmp_path / "a.npz")
    resumed.save(tmp_path / "b.npz")
    a, b = np.load(tmp_path / "a.npz"), np.load(tmp_path / "b.npz")
    assert a.files == b.files and all((a[n] == b[n]).all() for n in a.files)


def test_saving_changes_nothing_and_sessions_may_be_new_or_reset(tmp_path):
    session = Session(FakeDevice(), overlapping=True)
    session.save(tmp_path / "new.npz")
    resumed = Session.load(tmp_path / "new.npz", FakeDevice())
    assert resumed.object_ids == [] and resumed.overlapping and resumed.state.frame is None
    same(session.step(both_frame(0), PLAN[0]), resumed.step(both_frame(0), PLAN[0]))
    before = session.step(both_frame(1))
    session.save(tmp_path / "one.npz")
    current = session.state.objects[1].current
    assert current is not None and (before.objects[1].logits == current.logits).all()
    session.remove_object(1)
    session.save(tmp_path / "one.npz")
    assert Session.load(tmp_path / "one.npz", FakeDevice()).object_ids == [-7]


def test_a_float_model_s_session(tmp_path):
    session = Session(FakeDevice(integer=False))
    session.step(both_frame(0), PLAN[0])
    session.save(tmp_path / "s.npz")
    resumed = Session.load(tmp_path / "s.npz", FakeDevice(integer=False))
    same(session.step(both_frame(1)), resumed.step(both_frame(1)))
    with pytest.raises(SavedSessionError, match="'fake float'.*other weights or sizes"):
        Session.load(tmp_path / "s.npz", FakeDevice())


def test_a_model_is_known_by_its_tables_and_sizes():
    one = make_spec()
    assert fingerprint(one) == fingerprint(make_spec())
    other = make_spec()
    other.tables.token_label[0, 0] += 1
    assert fingerprint(other) != fingerprint(one)
    assert fingerprint(make_spec(policy=Policy(5, 2, 8))) != fingerprint(one)


def test_a_bank_takes_only_what_a_bank_can_hold():
    spec = make_spec()
    bank = MemoryBank(spec, np.zeros)
    (_, kind, width), _ = bank.storage()
    many = [Entry(i, False) for i in range(12)]
    twice = [Entry(3, False), Entry(3, True)]
    for history in (many, twice):
        rows = np.zeros((len(history), spec.coarse**2 + 1, width), kind)
        with pytest.raises(ValueError, match="memories"):
            bank.restore(history, rows, rows)
    assert len(bank) == 0


@pytest.fixture
def saved(tmp_path):
    session = Session(FakeDevice())
    for index in range(4):
        session.step(both_frame(index), PLAN.get(index))
    session.save(tmp_path / "s.npz")
    return tmp_path / "s.npz"


def refused(path, match="."):
    with pytest.raises(SavedSessionError, match=match) as caught:
        Session.load(path, FakeDevice())
    assert str(path) in str(caught.value)


def rewrite(path, change):
    """The file with its arrays changed by the test."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    change(arrays)
    np.savez(path, **arrays)


def header(change):
    def of(arrays):
        told = json.loads(arrays["session"].tobytes())
        told = change(told) or told
        arrays["session"] = np.frombuffer(json.dumps(told).encode(), np.uint8)

    return of


def with_one_mask_before(arrays):
    """What format 2 held of the frames before: the last one's mask alone."""
    told = json.loads(arrays["session"].tobytes())
    told.update(format=2)
    for row, one in enumerate(told["objects"]):
        del one["outlined"]
        ages = [age for age in range(KNOWN_MASKS) if f"trail.{age}" in one["arrays"]]
        for age in ages:
            kept, window = arrays.pop(f"{row}.trail.{age}"), one.pop(f"trail.{age}.window")
            one["arrays"].remove(f"trail.{age}")
        if ages:
            arrays[f"{row}.before"], one["before.window"] = kept, window
            one["arrays"].append("before")
    arrays["session"] = np.frombuffer(json.dumps(told).encode(), np.uint8)


def test_files_from_before_there_were_windows(saved):
    def older(told):
        told.update(format=1)
        del told["window"]
        for one in told["objects"]:
            for name in ("window", "boxes", "before.window", "tracked.window"):
                one.pop(name, None)

    session = Session.load(saved, FakeDevice())
    rewrite(saved, with_one_mask_before)
    rewrite(saved, header(older))
    resumed = Session.load(saved, FakeDevice())
    same(session.step(both_frame(4)), resumed.step(both_frame(4)))


def test_files_from_before_there_were_trails(saved):
    session = Session.load(saved, FakeDevice())
    rewrite(saved, with_one_mask_before)
    resumed = Session.load(saved, FakeDevice())
    for index in range(4, 7):
        same(session.step(both_frame(index)), resumed.step(both_frame(index)))


def test_missing_cut_or_foreign_files(tmp_path, saved):
    refused(tmp_path / "nowhere.npz", "there is no session")
    refused(tmp_path, "cannot read")
    whole = saved.read_bytes()
    for share in (0, 0.3, 0.9, 0.999):
        saved.write_bytes(whole[: int(len(whole) * share)])
        refused(saved)
    with np.load(io.BytesIO(whole)) as stored:
        meant = {name: stored[name] for name in stored.files}
    noticed = 0
    for offset in range(0, len(whole), len(whole) // 150):
        bad = bytearray(whole)
        bad[offset] ^= 0x10
        saved.write_bytes(bytes(bad))
        try:
            resumed = Session.load(saved, FakeDevice())
        except SavedSessionError:
            noticed += 1
            continue
        # Only what no checksum covers, as the time of an array, may change; nothing that is read.
        resumed.save(saved)
        with np.load(saved) as stored:
            assert all((stored[name] == value).all() for name, value in meant.items())
    assert noticed > 100
    np.savez(saved, frame=np.zeros(3))
    refused(saved, "no session")


BAD_HEADERS = {
    "format": lambda h: h.update(format=5),
    "no format": lambda h: h.pop("format"),
    "a list": lambda h: [h],
    "frame index": lambda h: h.update(frame_index="3"),
    "no frame": lambda h: h.update(frame_size=None),
    "huge frame": lambda h: h.update(frame_size=[1 << 30, 1 << 30]),
    "other frame": lambda h: h.update(frame_size=[HEIGHT, WIDTH + 1]),
    "frame of one side": lambda h: h.update(frame_size=[HEIGHT]),
    "id": lambda h: h["objects"][0].update(id=1.5),
    "id twice": lambda h: h["objects"][0].update(id=-7),
    "an object less": lambda h: h["objects"].pop(),
    "history": lambda h: h["objects"][0].update(history=[[99, True]]),
    "history of a text": lambda h: h["objects"][0].update(history="abc"),
    "score": lambda h: h["objects"][0]["answer"].update(score="high"),
    "objects": lambda h: h.update(objects=5),
    "side of windows": lambda h: h.update(window=-0.5),
    "no number": lambda h: h.update(window="2"),
    "window off the frame": lambda h: h["objects"][0].update(window=[WIDTH - 1, 0, 2, 2]),
    "window of nothing": lambda h: h["objects"][0].update(window=[0, 0, 0, 2]),
    "three sides": lambda h: h["objects"][0].update(window=[0, 0, 2]),
    "too many boxes": lambda h: h["objects"][0].update(boxes=[None] * 3),
    "box inside out": lambda h: h["objects"][0].update(boxes=[[0.5, 0.5, 0.4, 0.6]]),
}


@pytest.mark.parametrize("kind", BAD_HEADERS)
def test_headers_that_say_something_else(saved, kind):
    rewrite(saved, header(BAD_HEADERS[kind]))
    refused(saved)


BAD_ARRAYS = {
    "shape": lambda a: a.update({"0.keys": a["0.keys"][:, 1:]}),
    "type": lambda a: a.update({"0.keys": a["0.keys"].astype(np.int16)}),
    "missing": lambda a: a.pop("1.values"),
    "unknown": lambda a: a.update({"../escape": np.zeros(3)}),
    "points": lambda a: a.update({"0.prompt.points": np.full((1, 2), 7, np.float32)}),
    "labels": lambda a: a.update({"0.prompt.labels": np.full(1, 9)}),
    "fortran": lambda a: a.update({"frame": np.asfortranarray(a["frame"])}),
    "no header": lambda a: a.pop("session"),
    "text": lambda a: a.update({"session": np.frombuffer(b"{", np.uint8)}),
}


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_arrays_that_do_not_fit(saved, kind):
    rewrite(saved, BAD_ARRAYS[kind])
    refused(saved)


def test_nothing_is_unpickled_inflated_or_written(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "trap"), "w"))

    with np.load(saved) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(saved, **{**arrays, "frame": np.array([Trap()], object)}, allow_pickle=True)
    refused(saved)
    np.savez_compressed(saved, **{**arrays, "frame": np.zeros((HEIGHT, WIDTH, 3), np.uint8)})
    refused(saved, "compressed")
    claim = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        claim, {"descr": "|u1", "fortran_order": False, "shape": (1 << 60,)}
    )
    with zipfile.ZipFile(saved, "w") as file:
        file.writestr("session.npy", claim.getvalue())
    refused(saved)
    assert [p.name for p in tmp_path.iterdir()] == ["s.npz"]


def test_a_session_that_cannot_be_written_leaves_the_former_file(saved, monkeypatch):
    whole = saved.read_bytes()
    session = Session.load(saved, FakeDevice())

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("host.saved_session.np.savez", full)
    with pytest.raises(OSError, match="No space"):
        session.save(saved)
    assert saved.read_bytes() == whole and len(list(saved.parent.iterdir())) == 1
