"""Opening devices and bundles: what is verified, what is said when something is wrong."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from host.devices.registry import DEVICES, default_bundle, open_device
from host.errors import BundleError, DeviceError
from host.policy import Policy
from host.spec import Tables, load_spec, require_detector
from hw.spec.manifest import (
    DETECTOR_TABLES,
    MANIFEST,
    VOCABULARY,
    Manifest,
    load_manifest,
    write_manifest,
)
from tests.host.fake_detector import (
    SIZES,
    TOKENS,
    make_concept_spec,
    make_detector_tables,
    write_concept_bundle,
)
from tests.host.fake_device import COARSE, GRID, SIZE, make_spec, write_bundle

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bundle(tmp_path):
    write_bundle(tmp_path / "fake_golden_0")
    return tmp_path / "fake_golden_0"


def test_a_bundle_describes_the_model(bundle):
    manifest, spec = load_spec(bundle)
    assert manifest.model == spec.name == "fake"
    assert (spec.image_size, spec.coarse, spec.grid) == (SIZE, COARSE, GRID)
    assert spec.policy == Policy()
    assert spec.ports == make_spec().ports
    for name in Tables.__dataclass_fields__:
        table = getattr(spec.tables, name)
        assert table.dtype == np.int8 and (table == getattr(make_spec().tables, name)).all()


def test_unknown_devices_list_what_there_is(bundle):
    with pytest.raises(DeviceError, match="'quantum'.*golden"):
        open_device("quantum", bundle)


def test_bad_bundles_are_named(bundle, tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        open_device("golden", tmp_path / "nowhere")
    (bundle / "mask_decoder.npz").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"mask_decoder\.npz.*SHA-256"):
        open_device("golden", bundle)


def test_golden_runs_where_no_torch_is_installed():
    program = """
import sys
sys.modules["torch"] = None  # what imports it now fails
import numpy as np
from samfabric import Prompt, Session, default_bundle, open_device
device = open_device("golden", default_bundle("tiny"))
session = Session(device)
frame = np.zeros((48, 64, 3), np.uint8)
frame[10:30, 20:50] = 255
session.step(frame, {1: Prompt.from_pixels(48, 64, box=(20, 10, 50, 30))})
print(session.step(frame).objects[1].mask().shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(48, 64)", done.stderr


def change_tables(bundle, **changes):
    with np.load(bundle / "tables.npz") as stored:
        tables = {**stored, **changes}
    np.savez(bundle / "tables.npz", **{k: v for k, v in tables.items() if v is not None})
    write_manifest(bundle, load_manifest_unchecked(bundle))


def load_manifest_unchecked(bundle):
    return Manifest.from_json(json.loads((bundle / MANIFEST).read_text()))


def test_tables_must_fit(bundle):
    change_tables(bundle, token_row=np.zeros((3, 3), np.int8))
    with pytest.raises(BundleError, match=r"token_row.*\(3, 3\)"):
        load_spec(bundle)
    change_tables(bundle, token_row=None)
    with pytest.raises(BundleError, match="token_row"):
        load_spec(bundle)


def test_every_graph_must_be_there(bundle):
    manifest = load_manifest(bundle)
    write_manifest(bundle, dataclasses.replace(manifest, graphs=manifest.graphs[:2]))
    with pytest.raises(BundleError, match="lacks mask_decoder, memory_encoder"):
        load_spec(bundle)


def test_ports_that_others_feed_must_be_there():
    spec = make_spec()
    decoder = spec.ports["mask_decoder"]
    others = {name: port for name, port in decoder.inputs.items() if name != "skip4"}
    ports = {**spec.ports, "detector": dataclasses.replace(decoder, inputs=others)}
    detector: Any = SimpleNamespace(check=lambda *_: None)
    with pytest.raises(BundleError, match=r"lacks detector\.(features|skip4)"):
        dataclasses.replace(spec, ports=ports, detector=detector)


def test_prompt_tokens_must_agree(bundle):
    manifest = load_manifest(bundle)
    widths = dataclasses.replace(manifest.widths, P=6)
    write_manifest(bundle, dataclasses.replace(manifest, widths=widths))
    with pytest.raises(BundleError, match="6 prompt tokens"):
        load_spec(bundle)


def test_codes_handed_on_need_one_scale():
    spec = make_spec()
    decoder = spec.ports["mask_decoder"]
    obj_ptr = dataclasses.replace(decoder.outputs["obj_ptr"], scale=0.3)
    changed = dataclasses.replace(decoder, outputs={**decoder.outputs, "obj_ptr": obj_ptr})
    with pytest.raises(BundleError, match=r"mask_decoder\.obj_ptr .*0\.3.*memory_keys"):
        dataclasses.replace(spec, ports={**spec.ports, "mask_decoder": changed})


def test_the_default_bundle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("pico_golden_1", "small_golden_2"):
        write_bundle(tmp_path / "bitstreams" / name)
    assert default_bundle("pico").name == "pico_golden_1"
    write_bundle(tmp_path / "bitstreams" / "nano_golden_0")
    assert default_bundle().name == "nano_golden_0"
    with pytest.raises(BundleError, match="no huge bundle"):
        default_bundle("huge")
    assert default_bundle("nano", hardware=True).name == "nano_golden_0"  # there is no other
    write_bundle(tmp_path / "bitstreams" / "nano_KV260_0")
    (tmp_path / "bitstreams" / "nano_KV260_0" / "hardware.json").write_text("{}")
    os.utime(tmp_path / "bitstreams" / "nano_KV260_0" / MANIFEST, (0, 0))
    assert default_bundle("nano").name == "nano_golden_0"
    assert default_bundle("nano", hardware=True).name == "nano_KV260_0"


def test_a_newer_bundle_without_a_detector_hides_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundles = tmp_path / "bitstreams"
    write_concept_bundle(bundles / "nano_golden_0")
    write_concept_bundle(bundles / "pico_golden_0")
    os.utime(bundles / "nano_golden_0" / MANIFEST, (0, 0))
    write_bundle(bundles / "nano_golden_1")
    (bundles / "nano_broken_2").mkdir()
    (bundles / "nano_broken_2" / MANIFEST).write_text("[")
    os.utime(bundles / "nano_broken_2" / MANIFEST, (9, 9))
    assert default_bundle().name == "nano_golden_1"
    for model in (None, "nano"):
        assert default_bundle(model, detector=True).name == "nano_golden_0"
    assert default_bundle("pico", detector=True).name == "pico_golden_0"
    monkeypatch.setitem(DEVICES, "fake", lambda bundle: bundle.name)
    assert open_device("fake") == "nano_golden_1"
    assert open_device("fake", detector=True) == "nano_golden_0"
    (bundles / "nano_golden_1" / "hardware.json").write_text("{}")
    # Hardware asked for comes first; where it has no detector, opening it says so.
    assert default_bundle("nano", True, True).name == "nano_golden_1"
    (bundles / "pico_golden_0" / "hardware.json").write_text("{}")
    assert default_bundle(None, True, True).name == "pico_golden_0"


def test_a_bundle_with_a_detector(tmp_path):
    write_concept_bundle(tmp_path / "b")
    manifest, spec = load_spec(tmp_path / "b")
    assert spec.detector is not None
    assert manifest.detector == spec.detector.sizes == SIZES
    assert spec.detector.tokens == TOKENS == 16
    assert spec.ports == make_concept_spec().ports
    assert spec.detector.vocabulary == tmp_path / "b" / VOCABULARY
    for name, table in vars(make_detector_tables()).items():
        found = getattr(spec.detector.tables, name)
        assert found.dtype == np.float32 and (found == table).all()
    (tmp_path / "b" / VOCABULARY).write_bytes(b"x")
    with pytest.raises(BundleError, match=r"vocabulary\.npz.*SHA-256"):
        load_spec(tmp_path / "b")


def test_a_bundle_without_a_detector_works_and_says_so(bundle):
    manifest, spec = load_spec(bundle)
    assert manifest.detector is None and spec.detector is None
    assert "detector" not in json.loads((bundle / MANIFEST).read_text())
    with pytest.raises(DeviceError, match="no concept detector"):
        require_detector(spec)


def test_a_detector_s_tables_must_fit(tmp_path):
    folder = tmp_path / "b"
    write_concept_bundle(folder)
    whole = vars(make_detector_tables())
    for changes, text in (
        ({"row_end": np.zeros((3, 3))}, r"table row_end .*\(3, 3\), \(16, 8\) is needed"),
        ({"queries": np.zeros((7, 8))}, r"table queries .*\(7, 8\), \(8, 8\)"),
        ({"pool_weight": None}, "pool_weight"),
    ):
        tables = {k: v for k, v in {**whole, **changes}.items() if v is not None}
        np.savez(folder / DETECTOR_TABLES, **tables)
        write_manifest(folder, load_manifest_unchecked(folder))
        with pytest.raises(BundleError, match=text):
            load_spec(folder)


def test_a_detector_s_graph_must_fit():
    spec = make_concept_spec()
    with pytest.raises(BundleError, match="the detector's graph alone"):
        dataclasses.replace(spec, detector=None)
    alone = {k: v for k, v in spec.ports.items() if k != "detector"}
    with pytest.raises(BundleError, match="the detector's tables alone"):
        dataclasses.replace(spec, ports=alone)

    def change(name, **changes):
        own = spec.ports["detector"]
        changed = dataclasses.replace({**own.inputs, **own.outputs}[name], **changes)
        sides = {
            side: {k: changed if k == name else v for k, v in getattr(own, side).items()}
            for side in ("inputs", "outputs")
        }
        ports = {**spec.ports, "detector": dataclasses.replace(own, **sides)}
        return dataclasses.replace(spec, ports=ports)

    with pytest.raises(BundleError, match=r"port tokens .*\(1, 8, 15, 1\)"):
        change("tokens", shape=(1, 8, 15, 1))
    with pytest.raises(BundleError, match=r"port masks"):
        change("masks", shape=(1, 7, 16, 16))
    for name in ("features", "skip8", "skip4"):
        with pytest.raises(BundleError, match=rf"image_encoder\.{name} .*detector\.{name}"):
            change(name, scale=0.3)
