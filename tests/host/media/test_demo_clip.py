"""The clip that the project draws itself tells the story that the demo needs."""

import av
import numpy as np
import pytest

from host.errors import UsageError
from host.media.demo_clip import FISH, STARFISH, TURTLE, boxes_of, render_demo_clip, write_demo_clip
from host.prompts import Prompt


@pytest.fixture(scope="module")
def clip():
    return render_demo_clip(frames=24, height=96, width=168)


def areas(ids, object_id):
    return np.array([int((plane == object_id).sum()) for plane in ids])


def test_shapes_and_determinism(clip):
    frames, ids = clip
    assert len(frames) == len(ids) == 24
    assert all(f.shape == (96, 168, 3) and f.dtype == np.uint8 for f in frames)
    assert all(i.shape == (96, 168) and i.dtype == np.uint8 for i in ids)
    assert set(np.unique(ids)) == {0, FISH, TURTLE, STARFISH}
    frame, _ = render_demo_clip(frames=1, height=96, width=168)
    np.testing.assert_array_equal(frame[0], frames[0])
    other, same_ids = render_demo_clip(frames=1, height=96, width=168, seed=5)
    assert (other[0] != frames[0]).any()
    np.testing.assert_array_equal(same_ids[0], ids[0])


def test_everyone_is_there_at_first(clip):
    _, ids = clip
    for object_id in (FISH, TURTLE, STARFISH):
        assert areas(ids, object_id)[0] > 0.02 * ids[0].size


def test_the_fish_leaves_and_comes_back(clip):
    seen = areas(clip[1], FISH) > 0
    gone = np.flatnonzero(~seen)
    assert len(gone) >= 2 and seen[: gone[0]].all() and seen[gone[-1] + 1 :].all()
    assert (np.diff(gone) == 1).all() and gone[-1] < 20


def test_the_starfish_leaves_for_good_and_the_turtle_stays(clip):
    star, turtle = areas(clip[1], STARFISH), areas(clip[1], TURTLE)
    assert not star[-2:].any()
    assert turtle.min() > 0.8 * turtle.max()  # in front of everything


def test_the_turtle_hides_the_others(clip):
    for object_id in (FISH, STARFISH):
        area = areas(clip[1], object_id)[:13]  # before either leaves
        assert area.min() < 0.55 * area.max()


def test_objects_differ_in_colour_and_texture(clip):
    frames, ids = clip
    means = [frames[0][ids[0] == k].mean(0) for k in (FISH, TURTLE, STARFISH, 0)]
    for i, one in enumerate(means):
        assert all(np.linalg.norm(one - other) > 25 for other in means[i + 1 :])
    assert all(frames[0][ids[0] == k].std() > 25 for k in (FISH, TURTLE, STARFISH))


def test_masks_cling_to_the_pictures(clip):
    """The violet of the starfish occurs inside its mask only."""
    frames, ids = clip
    red, green, blue = (frames[0][..., c].astype(int) for c in range(3))
    violet = (red - green > 60) & (blue - green > 60)
    assert violet[ids[0] == STARFISH].mean() > 0.5
    assert violet[ids[0] != STARFISH].mean() < 0.01


def test_written_video_and_its_boxes(tmp_path):
    path = tmp_path / "demo.mp4"
    boxes = write_demo_clip(path, frames=4, height=64, width=112)
    frames, ids = render_demo_clip(frames=4, height=64, width=112)
    with av.open(str(path)) as container:
        decoded = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(decoded) == 4 and decoded[0].shape == (64, 112, 3)
    assert np.abs(decoded[2].astype(int) - frames[2]).mean() < 14
    assert len(boxes) == 3 and boxes == list(boxes_of(ids[0]).values())
    for object_id, box in zip((FISH, TURTLE, STARFISH), boxes, strict=True):
        x0, y0, x1, y1 = box
        rows, columns = np.nonzero(ids[0] == object_id)
        assert (x0, y0, x1, y1) == (columns.min(), rows.min(), columns.max(), rows.max())
        Prompt.from_pixels(64, 112, box=box)  # raises for a box outside
    assert [p.name for p in tmp_path.iterdir()] == ["demo.mp4"]


def test_impossible_wishes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="0 frames"):
        render_demo_clip(frames=0)
    with pytest.raises(UsageError, match="448x8"):
        write_demo_clip(tmp_path / "demo.mp4", height=8)
    with pytest.raises(UsageError, match="demo.txt"):
        write_demo_clip(tmp_path / "demo.txt")
    assert not list(tmp_path.iterdir())
