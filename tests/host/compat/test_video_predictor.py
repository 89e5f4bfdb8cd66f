"""SAM 2's names: its notebook's calls, corrections, both directions, removal, bad input."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from host.compat.sam2 import SAM2VideoPredictor, build_sam2, build_sam2_video_predictor
from host.errors import (
    BundleError,
    FrameError,
    PromptError,
    SourceError,
    UnknownObjectError,
    UsageError,
)
from host.policy import Policy
from host.prompts import Prompt
from host.session import Session
from tests.host.fake_device import GRID, Eager, FakeDevice, write_bundle
from tests.host.scenes import (
    HEIGHT,
    RED,
    WIDTH,
    corner,
    draw_frame,
    overlap,
    square_mask,
)

RED_POINT = np.array([[corner(0)[0] + 16, 32]], dtype=np.float32)
BLUE_POINT = np.array([[corner(0)[0] + 16, 72]], dtype=np.float32)
ONE = np.array([1], np.int32)


@pytest.fixture
def predictor(device):
    return build_sam2_video_predictor("sam2.1_hiera_l.yaml", "sam2.1_large.pt", device=device)


@pytest.fixture
def state(predictor, clip_folder):
    return predictor.init_state(video_path=str(clip_folder))


def test_the_notebooks_calls(predictor, state):
    """The calls of SAM 2's video notebook, in its own words."""
    inference_state = state
    predictor.reset_state(inference_state)
    points = np.concatenate([RED_POINT, [[100, 5]]]).astype(np.float32)
    labels = np.array([1, 0], np.int32)
    _, out_obj_ids, out_mask_logits = predictor.add_new_points_or_box(
        inference_state=inference_state,
        frame_idx=0,
        obj_id=2,
        points=points,
        labels=labels,
    )
    mask = (out_mask_logits[0] > 0.0).cpu().numpy()
    assert type(mask) is np.ndarray and mask.shape == (1, HEIGHT, WIDTH)
    assert overlap(mask[0], square_mask(*corner(0))) > 0.8
    box = np.array([corner(0)[0], 56, corner(0)[0] + 31, 87], dtype=np.float32)
    _, out_obj_ids, out_mask_logits = predictor.add_new_points_or_box(
        inference_state=inference_state, frame_idx=0, obj_id=3, box=box
    )
    assert out_obj_ids == [2, 3] and out_mask_logits.shape == (2, 1, HEIGHT, WIDTH)
    video_segments = {}
    for out_frame_idx, out_obj_ids, out_mask_logits in predictor.propagate_in_video(
        inference_state
    ):
        video_segments[out_frame_idx] = {
            out_obj_id: (out_mask_logits[i] > 0.0).cpu().numpy()
            for i, out_obj_id in enumerate(out_obj_ids)
        }
    assert sorted(video_segments) == list(range(10))
    for index, found in video_segments.items():
        assert overlap(found[2].squeeze(), square_mask(*corner(index))) > 0.8
        assert overlap(found[3].squeeze(), square_mask(*corner(index, 56))) > 0.8


def test_state_reads_by_sam2s_keys(state):
    assert state["num_frames"] == 10 and state["obj_ids"] == []
    assert (state["video_height"], state["video_width"]) == (HEIGHT, WIDTH)
    with pytest.raises(KeyError):
        state["nonsense"]


def test_a_video_file_is_a_video_too(predictor, tmp_path, clip_folder):
    from host.media.clip_writer import ClipWriter
    from host.media.video import open_source

    writer = ClipWriter(tmp_path / "clip.mp4")
    for frame in open_source(clip_folder):
        writer.write(frame.image)
    writer.finish()
    state = predictor.init_state(str(tmp_path / "clip.mp4"), offload_video_to_cpu=True)
    predictor.add_new_points(state, 0, 1, RED_POINT, ONE)
    *_, (index, _, logits) = predictor.propagate_in_video(state)
    assert index == 9 and overlap(logits[0, 0] > 0, square_mask(*corner(9))) > 0.7


def test_reverse_and_limits(predictor, state):
    x, y = corner(5)
    predictor.add_new_points_or_box(state, 5, 1, [[x + 16, y + 16]], [1])
    back = list(predictor.propagate_in_video(state, reverse=True))
    assert [index for index, _, _ in back] == [5, 4, 3, 2, 1, 0]
    assert overlap(back[-1][2][0, 0] > 0, square_mask(*corner(0))) > 0.8
    some = list(predictor.propagate_in_video(state, max_frame_num_to_track=2))
    assert [index for index, _, _ in some] == [5, 6, 7]
    some = list(predictor.propagate_in_video(state, 8, 5))
    assert [index for index, _, _ in some] == [8, 9]
    some = list(predictor.propagate_in_video(state, 3, 1, reverse=True))
    assert [index for index, _, _ in some] == [3, 2]


def test_prompts_on_several_frames_before_propagation(predictor, state, device):
    for index in (0, 4, 9):
        x, y = corner(index)
        predictor.add_new_points_or_box(state, index, 1, [[x + 16, y + 16]], [1])
    device.calls.clear()
    frames = [index for index, _, _ in predictor.propagate_in_video(state)]
    assert frames == list(range(10))
    # Prompted frames keep their answers; the others are tracked.
    assert device.calls.count("mask_decoder") == 7
    prompted, recent = 2, 6
    assert device.seen["memory_attention"]["memory_keys"].shape[2] == (prompted + recent) * 17


def test_nearest_prompted_frames_condition_even_from_ahead(predictor, state, device):
    x, y = corner(9)
    predictor.add_new_points_or_box(state, 9, 1, [[x + 16, y + 16]], [1])
    index, _, logits = next(iter(predictor.propagate_in_video(state, start_frame_idx=0)))
    assert index == 0 and overlap(logits[0, 0] > 0, square_mask(*corner(0))) > 0.8


def test_a_correction_of_a_tracked_frame(predictor, state, device):
    predictor.add_new_points_or_box(state, 0, 1, RED_POINT, ONE)
    before = {i: logits for i, _, logits in predictor.propagate_in_video(state)}
    x, y = corner(4)
    _, _, after = predictor.add_new_points_or_box(state, 4, 1, [[x + 2, y + 2]], [0])
    drawn = device.seen["mask_decoder"]["dense_prompt"][0]
    assert drawn[0].max() > 0 and drawn[2].any()
    assert (after[0, 0] > 0).sum() < (before[4][0, 0] > 0).sum()
    again = {i: logits for i, _, logits in predictor.propagate_in_video(state)}
    assert (again[4] == after).all()


def test_clicks_add_up_unless_cleared(predictor, state, device):
    predictor.add_new_points_or_box(state, 0, 1, RED_POINT, ONE)
    more = [[corner(0)[0] + 2, 18]]
    predictor.add_new_points_or_box(state, 0, 1, more, [0], clear_old_points=False)
    assert state.objects[1].prompts[0].labels.tolist() == [1, 0]
    predictor.add_new_points_or_box(state, 0, 1, RED_POINT, ONE)
    assert state.objects[1].prompts[0].labels.tolist() == [1]


def test_normalised_coordinates(predictor, state):
    near = RED_POINT / (WIDTH, HEIGHT)
    _, _, logits = predictor.add_new_points_or_box(state, 0, 1, near, ONE, normalize_coords=False)
    assert overlap(logits[0, 0] > 0, square_mask(*corner(0))) > 0.8


def test_masks(predictor, state):
    mask = square_mask(*corner(0))
    _, ids, logits = predictor.add_new_mask(state, 0, "red", mask)
    assert ids == ["red"] and ((logits[0, 0] > 0) == mask).all()
    results = list(predictor.propagate_in_video(state))
    assert ((results[0][2][0, 0] > 0) == mask).all()
    assert overlap(results[9][2][0, 0] > 0, square_mask(*corner(9))) > 0.8


def test_removing_and_clearing(predictor, state):
    predictor.add_new_points_or_box(state, 0, 1, RED_POINT, ONE)
    predictor.add_new_points_or_box(state, 0, 2, BLUE_POINT, ONE)
    predictor.add_new_points_or_box(state, 3, 2, BLUE_POINT + [12, 0], ONE)
    ids, updated = predictor.remove_object(state, 2)
    assert ids == [1] and [index for index, _ in updated] == [0, 3]
    assert updated[0][1].shape == (1, 1, HEIGHT, WIDTH)
    assert predictor.remove_object(state, 2) == ([1], [])
    with pytest.raises(UnknownObjectError, match="object 2"):
        predictor.remove_object(state, 2, strict=True)
    _, _, logits = predictor.clear_all_prompts_in_frame(state, 0, 1)
    assert not (logits > 0).any()
    with pytest.raises(PromptError, match="nothing to propagate"):
        next(predictor.propagate_in_video(state))
    predictor.reset_state(state)
    assert state.obj_ids == [] and state.num_frames == 10


@pytest.mark.parametrize(
    ("kwargs", "error", "text"),
    [
        ({"frame_idx": 10, "points": RED_POINT, "labels": ONE}, FrameError, "frame 10 of .* 10"),
        ({"frame_idx": -1, "points": RED_POINT, "labels": ONE}, FrameError, "-1"),
        ({"frame_idx": 0.5, "points": RED_POINT, "labels": ONE}, FrameError, "0.5"),
        ({"points": RED_POINT}, PromptError, "come together"),
        ({}, PromptError, "empty"),
        ({"points": [[999, 1]], "labels": [1]}, PromptError, "999"),
        ({"points": RED_POINT, "labels": [0]}, PromptError, "background"),
        ({"box": [0, 0, 9, 9], "clear_old_points": False}, PromptError, "clear_old_points"),
    ],
)
def test_bad_prompts_leave_no_object(predictor, state, kwargs, error, text):
    with pytest.raises(error, match=text):
        predictor.add_new_points_or_box(state, **{"frame_idx": 0, "obj_id": 1, **kwargs})
    assert state.obj_ids == []


def test_bad_masks_and_objects(predictor, state):
    with pytest.raises(PromptError, match=r"\(3, 3\)"):
        predictor.add_new_mask(state, 0, 1, np.ones((3, 3)))
    with pytest.raises(UnknownObjectError, match="none"):
        predictor.clear_all_prompts_in_frame(state, 0, 1)


def test_bad_videos(predictor, clip_folder, tmp_path):
    with pytest.raises(SourceError, match="nowhere"):
        predictor.init_state(str(tmp_path / "nowhere"))
    cv2.imwrite(str(clip_folder / "f99.png"), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(FrameError, match="10x10.*160x96"):
        predictor.init_state(clip_folder)


def test_two_states_do_not_mix(predictor, state, clip_folder):
    other = predictor.init_state(clip_folder)
    predictor.add_new_points_or_box(state, 0, 1, RED_POINT, ONE)
    predictor.add_new_points_or_box(other, 0, 1, BLUE_POINT, ONE)
    pairs = zip(
        predictor.propagate_in_video(state), predictor.propagate_in_video(other), strict=True
    )
    for (index, _, red), (_, _, blue) in pairs:
        assert overlap(red[0, 0] > 0, square_mask(*corner(index))) > 0.8
        assert overlap(blue[0, 0] > 0, square_mask(*corner(index, 56))) > 0.8


def test_the_builder_finds_bundles(monkeypatch, tmp_path):
    opened = []
    fake = SimpleNamespace(run=None, spec=None)

    def open_fake(name, bundle):
        opened.append((name, bundle))
        return fake

    monkeypatch.setattr("host.compat.bundles.open_device", open_fake)
    monkeypatch.chdir(tmp_path)
    for name in ("pico_golden_1", "nano_golden_2"):
        write_bundle(tmp_path / "bitstreams" / name)
    bundles = tmp_path / "bitstreams"
    assert build_sam2("configs/sam2.1_hiera_l.yaml", "x/sam2.1.pt", device="cuda") is fake
    build_sam2("pico")
    build_sam2(None, bundles / "pico_golden_1", device="golden")
    build_sam2(device=object())
    nano, pico = bundles / "nano_golden_2", bundles / "pico_golden_1"
    assert opened == [("golden", nano), ("golden", pico), ("golden", pico), ("golden", nano)]
    with pytest.raises(BundleError, match="elsewhere"):
        build_sam2(None, "some/elsewhere")
    with pytest.raises(BundleError, match="huge"):
        build_sam2("huge")


def test_options_that_sam2_does_not_have_are_refused():
    device = FakeDevice()
    build_sam2("x.yaml", "x.pt", device, mode="eval", apply_postprocessing=False)
    with pytest.raises(UsageError, match="mean apply_postprocessing"):
        build_sam2(device=device, apply_post_processing=True)
    with pytest.raises(UsageError, match="mean vos_optimized"):
        build_sam2_video_predictor(device=device, vos_optimised=True)


@pytest.mark.parametrize("count", [-1, 2.5, "3"])
def test_a_number_of_frames_is_a_number(predictor, state, count):
    predictor.add_new_points_or_box(state, 0, 1, RED_POINT, ONE)
    with pytest.raises(FrameError, match="frames to track"):
        next(predictor.propagate_in_video(state, max_frame_num_to_track=count))


def test_results_are_slim(predictor, state):
    predictor.add_new_points_or_box(state, 0, 1, RED_POINT, ONE)
    list(predictor.propagate_in_video(state))
    answers = state.objects[1].answers
    assert len(answers) == 10
    assert all(a.candidates.size == 0 and a.candidates.base is None for a in answers.values())
    assert all(a.logits.shape == (GRID, GRID) for a in answers.values())


def test_from_a_device():
    assert SAM2VideoPredictor(FakeDevice()).image_size == 64


def test_what_an_empty_mask_began_stays_absent_until_a_prompt_shows_it(clip_folder):
    predictor = SAM2VideoPredictor(Eager())
    state = predictor.init_state(str(clip_folder))
    predictor.add_new_mask(state, 0, 1, np.zeros((HEIGHT, WIDTH)))
    for _, _, logits in predictor.propagate_in_video(state):
        assert not (logits > 0).any()
    _, _, logits = predictor.add_new_points(state, 4, 1, RED_POINT, ONE)
    assert (logits > 0).all()
    found = dict((i, logits) for i, _, logits in predictor.propagate_in_video(state))
    assert not (found[0] > 0).any()  # prompted as empty
    assert all((found[i] > 0).all() for i in range(1, 10))
    predictor.clear_all_prompts_in_frame(state, 4, 1)
    for _, _, logits in predictor.propagate_in_video(state, 5):
        assert not (logits > 0).any()


@pytest.mark.parametrize("scale", [1, 5])
def test_windows_are_those_of_a_session(scale):
    """Small objects too: the frames keep more pixels than the network's square has."""
    policy = Policy(window=0.9)

    def frame(index):
        picture = draw_frame()
        picture[30:38, 20 + 3 * index : 28 + 3 * index] = RED
        return picture.repeat(scale, 0).repeat(scale, 1)

    height, width = frame(0).shape[:2]
    mask = (frame(0) == RED).all(2)
    predictor = SAM2VideoPredictor(FakeDevice(policy=policy))
    state = predictor.init_state([frame(index) for index in range(12)])
    assert max(state.images[0].shape) <= 4 * predictor.image_size
    predictor.add_new_mask(state, 0, 7, mask)
    found = [planes[0, 0] for _, _, planes in predictor.propagate_in_video(state)]
    session = Session(FakeDevice(policy=policy))
    for index, plane in enumerate(found):
        result = session.step(frame(index), {7: Prompt(mask=mask)} if not index else None)
        wanted = result.objects[7]
        window = state.objects[7].answers[index].window
        assert window is not None and window.side < 0.4
        truth = (frame(index) == RED).all(2)
        assert overlap(np.asarray(plane) > 0, truth) > 0.5
        if scale == 1:  # as they are, frames are kept to the pixel
            assert window == wanted.answer.window
            assert (np.asarray(plane) == wanted.video_logits()).all()
    # A click beside the window is seen, backwards too.
    click = np.array([[width - 2, height - 2]], np.float32)
    predictor.add_new_points_or_box(state, 6, 7, points=click, labels=np.array([0]))
    back = [index for index, _, _ in predictor.propagate_in_video(state, 6, reverse=True)]
    assert back == list(range(6, -1, -1))
