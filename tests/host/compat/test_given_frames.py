"""Pictures and videos that are in memory already."""

from pathlib import Path

import numpy as np
import pytest

from host.compat.given_frames import frames_given, picture
from host.compat.image_predictor import SAM2ImagePredictor
from host.compat.sam2 import SAM2VideoPredictor
from host.compat.sam3 import Sam3VideoPredictor
from host.compat.sam3_image import Sam3Processor
from host.errors import FrameError
from tests.host.fake_detector import FakeConceptDevice, make_phrases
from tests.host.fake_device import FakeDevice
from tests.host.scenes import both_frame, corner, overlap, square_mask

Image = pytest.importorskip("PIL.Image")
torch = pytest.importorskip("torch")
FRAMES = np.stack([both_frame(i) for i in range(4)])
GREY = both_frame(0)[..., 0]
VIDEOS = {
    "array": FRAMES,
    "list of arrays": list(FRAMES),
    "tuple": tuple(FRAMES),
    "PIL": [Image.fromarray(f) for f in FRAMES],
    "PIL with alpha": [Image.fromarray(f).convert("RGBA") for f in FRAMES],
    "tensor": torch.from_numpy(FRAMES),
    "tensor, channels first": torch.from_numpy(FRAMES).permute(0, 3, 1, 2),
    "array, channels first": FRAMES.transpose(0, 3, 1, 2),
    "floats": FRAMES.astype(np.float32) / 255,
    "float tensor": torch.from_numpy(FRAMES).permute(0, 3, 1, 2) / 255,
    "tensor with gradients": (torch.from_numpy(FRAMES) / 255).requires_grad_(),
    "list of tensors": [torch.from_numpy(f).permute(2, 0, 1) for f in FRAMES],
    "sixteen bits": FRAMES.astype(np.uint16) * 256,
}


@pytest.mark.parametrize("kind", VIDEOS)
def test_videos(kind):
    assert (np.stack(list(frames_given(VIDEOS[kind]))) == FRAMES).all()
    predictor = SAM2VideoPredictor(FakeDevice())
    state = predictor.init_state(VIDEOS[kind])
    assert state["num_frames"] == 4 and state["video_width"] == 160
    predictor.add_new_points_or_box(state, 0, 1, [(corner(0)[0] + 16, 32)], [1])
    *_, (index, _, logits) = predictor.propagate_in_video(state)
    assert index == 3 and overlap(logits[0, 0] > 0, square_mask(*corner(3))) > 0.8


@pytest.mark.parametrize("kind", ["array", "PIL", "tensor, channels first"])
def test_sam3_s_sessions(kind):
    predictor = Sam3VideoPredictor(FakeConceptDevice(), phrases=make_phrases())
    request = {"type": "start_session", "resource_path": VIDEOS[kind]}
    session = predictor.handle_request(request)["session_id"]
    found = predictor.add_prompt(session, 0, "red square")["outputs"]
    assert found["out_obj_ids"].tolist() == [1]
    assert len(list(predictor.propagate_in_video(session))) == 4


PICTURES = {
    "array": FRAMES[0],
    "PIL": Image.fromarray(FRAMES[0]),
    "tensor": torch.from_numpy(FRAMES[0]).permute(2, 0, 1),
    "floats": FRAMES[0] / 255.0,
    "RGBA": np.concatenate([FRAMES[0], GREY[..., None]], 2),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures(kind):
    assert (picture(PICTURES[kind]) == FRAMES[0]).all()
    predictor = SAM2ImagePredictor(FakeDevice())
    predictor.set_image(PICTURES[kind])
    masks, _, _ = predictor.predict([(corner(0)[0] + 16, 32)], [1], multimask_output=False)
    assert overlap(masks[0] > 0, square_mask(*corner(0))) > 0.8
    processor = Sam3Processor(FakeConceptDevice())
    assert (processor.set_image(PICTURES[kind])["image"] == FRAMES[0]).all()
    assert len(frames_given(PICTURES[kind])) == 1


def test_grey_pictures_of_pil():
    wanted = np.repeat(GREY[..., None], 3, 2)
    assert (picture(Image.fromarray(GREY)) == wanted).all()
    deep = Image.fromarray(GREY.astype(np.uint16) << 4)  # convert() would cut it at 255
    assert (picture(deep) == wanted).all()
    assert (picture(Image.fromarray(GREY > 99)) == (wanted > 99) * 255).all()


def test_a_black_frame_is_a_frame_of_a_video():
    dark = np.concatenate([FRAMES, 0 * FRAMES[:1]]) / 255.0
    assert not frames_given(dark)[4].any() and not frames_given(list(dark))[4].any()


BAD = {
    "floats up to 255": (FRAMES.astype(np.float32), "0..1"),
    "negative floats": (FRAMES / 255.0 - 0.5, "float64"),
    "no frames": ([], "no frames"),
    "an empty array": (FRAMES[:0], "no frames"),
    "empty frames": ([FRAMES[0][:0]], "empty"),
    "five dimensions": (FRAMES[None], "give a path"),
    "one dimension": (np.zeros(5, np.uint8), "give a path"),
    "two channels": (FRAMES[..., :2], "shape"),
    "texts": (["a.png", "b.png"], "frame 0"),
    "a dictionary": ({"frames": FRAMES}, "give a path"),
    "None": (None, "give a path"),
    "sizes": ([FRAMES[0], FRAMES[1][:50]], "frame 1 is 160x50"),
    "complex": (FRAMES * 1j, "complex"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_video_is_refused(kind):
    given, text = BAD[kind]
    with pytest.raises(FrameError, match=text):
        SAM2VideoPredictor(FakeDevice()).init_state(given)


def test_paths_are_still_paths(clip_folder):
    predictor = SAM2VideoPredictor(FakeDevice())
    for path in (clip_folder, str(clip_folder), Path(clip_folder)):
        assert predictor.init_state(path).num_frames == 10
