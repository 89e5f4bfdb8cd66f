"""Names of SAM 2's and SAM 3's scripts: those that are there, and the nearest of others."""

import pytest

from host import predictor as sam2
from host.build_sam import build_sam2_hf, build_sam2_video_predictor_hf
from host.errors import BundleError, SamFabricError, UnknownNameError, UsageError
from host.names import advice
from host.predictor import (
    SAM2AutomaticMaskGenerator,
    SAM2ImagePredictor,
    SAM2VideoPredictor,
    build_sam2_video_predictor,
)
from host.sam3 import Sam3Processor, Sam3VideoPredictor
from tests.host.fake_detector import FakeConceptDevice
from tests.host.fake_device import FakeDevice, write_bundle
from tests.host.scenes import both_frame

MODELS = [
    lambda: SAM2VideoPredictor(FakeDevice()),
    lambda: SAM2ImagePredictor(FakeDevice()),
    lambda: SAM2AutomaticMaskGenerator(FakeDevice()),
    lambda: Sam3Processor(FakeConceptDevice()),
    lambda: Sam3VideoPredictor(FakeConceptDevice()),
]


@pytest.mark.parametrize("make", MODELS)
def test_models_are_moved_as_torch_s_are(make):
    model = make()
    for moved in (
        *(model.to("cuda"), model.to("cuda", dtype="float16"), model.eval(), model.cuda()),
        *(model.cpu(), model.half(), model.float(), model.to(device="cpu").eval().cuda()),
    ):
        assert moved is model


def test_predictors_say_where_tensors_go():
    assert (
        SAM2VideoPredictor(FakeDevice()).device == SAM2ImagePredictor(FakeDevice()).device == "cpu"
    )


MISSPELT = [
    (0, "propagate_in_vidoe", "propagate_in_video"),
    (0, "add_points_or_box", "add_new_points_or_box"),
    (0, "initstate", "init_state"),
    (1, "predict_torch", "predict"),
    (1, "set_images", "set_image"),
    (2, "generate_masks", "generate"),
    (3, "set_text_promt", "set_text_prompt"),
    (4, "handle_requests", "handle_request"),
]


@pytest.mark.parametrize(("model", "name", "near"), MISSPELT)
def test_methods_that_are_not_there_are_named(model, name, near):
    with pytest.raises(UnknownNameError, match=f"no '{name}'.*did you mean {near}") as caught:
        getattr(MODELS[model](), name)
    assert isinstance(caught.value, AttributeError) and isinstance(caught.value, SamFabricError)
    assert not hasattr(MODELS[model](), name)


def test_advice():
    assert advice("nothing like it", ["b", "a"]) == "there is: a, b" and "none" in advice("x", [])


@pytest.fixture
def state():
    predictor = SAM2VideoPredictor(FakeDevice())
    state = predictor.init_state([both_frame(0), both_frame(1)])
    predictor.add_new_points_or_box(state, 1, "b", [(30, 32)], [1])
    predictor.add_new_points_or_box(state, 1, "a", [(30, 72)], [1])
    list(predictor.propagate_in_video(state, reverse=True))
    return state


def test_a_state_is_a_dictionary_to_read(state):
    assert "obj_ids" in state and "video_height" in state and "nonsense" not in state
    assert state["obj_id_to_idx"] == {"b": 0, "a": 1}
    assert state["obj_idx_to_id"] == {0: "b", 1: "a"} and state["obj_ids"] == ["b", "a"]
    assert state["frames_tracked_per_obj"][0] == {1: {"reverse": True}, 0: {"reverse": True}}
    assert len(state["images"]) == state["num_frames"] == state.get("num_frames") == 2
    assert state.get("nonsense") is None and state.get("nonsense", 3) == 3
    assert set(state) == set(state.keys()) and len(state) == len(list(state))
    assert {**{key: state[key] for key in state}}["video_width"] == 160


def test_keys_that_are_not_there_are_named(state):
    for name in ("obj_id_to_index", "__class__", "objects"):
        with pytest.raises(KeyError, match="a state has no"):
            state[name]
    with pytest.raises(UnknownNameError, match="did you mean obj_id_to_idx"):
        state["obj_id_to_index"]
    with pytest.raises(UnknownNameError, match="did you mean num_frames"):
        _ = state.num_frame


@pytest.fixture
def bundles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_bundle(tmp_path / "bitstreams" / "nano_fake_0")
    fake = FakeDevice()
    monkeypatch.setattr("host.build_sam.open_device", lambda _name, _bundle: fake)
    return fake


def test_pretrained_models(bundles):
    hub = "facebook/sam2.1-hiera-large"
    assert build_sam2_hf(hub, device="cuda") is bundles
    assert build_sam2_video_predictor_hf(hub).model.device is bundles
    assert SAM2VideoPredictor.from_pretrained(hub, vos_optimized=True).model.device is bundles
    image = SAM2ImagePredictor.from_pretrained("nano", mask_threshold=0.5, device="cpu")
    assert image.model.device is bundles and image.mask_threshold == 0.5
    everything = SAM2AutomaticMaskGenerator.from_pretrained(hub, points_per_side=4)
    assert everything.settings.points_per_side == 4
    for make in (build_sam2_hf, SAM2ImagePredictor.from_pretrained):
        with pytest.raises(BundleError, match="else/where"):
            make("else/where")
    with pytest.raises(UsageError, match="mean apply_postprocessing"):
        SAM2ImagePredictor.from_pretrained(hub, apply_postprocess=True)
    with pytest.raises(UsageError, match="mean points_per_side"):
        SAM2AutomaticMaskGenerator.from_pretrained(hub, point_per_side=4)


def test_one_module_has_all_of_sam2_s_names():
    assert {
        *("SAM2AutomaticMaskGenerator", "SAM2ImagePredictor", "SAM2VideoPredictor", "build_sam2"),
        *("build_sam2_hf", "build_sam2_video_predictor", "build_sam2_video_predictor_hf"),
    } <= set(sam2.__all__)
    assert all(hasattr(sam2, name) for name in sam2.__all__)
    assert isinstance(build_sam2_video_predictor(device=FakeDevice()), SAM2VideoPredictor)


def test_opened_devices_move_too():
    from host.device_golden import GoldenDevice
    from host.device_hardware import HardwareDevice

    for kind in (GoldenDevice, HardwareDevice):
        device = kind.__new__(kind)
        assert device.to("cuda").eval() is device
