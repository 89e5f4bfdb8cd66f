"""Files with a port's first name are read under the one in use; shipped bundles have it."""

import dataclasses
import json
from pathlib import Path

import pytest

from host.spec import load_spec
from hw.ops.program import Program
from hw.spec.hardware import GraphHardware, Hardware, StreamEnd
from hw.spec.manifest import load_manifest
from hw.spec.renamed import RENAMED, current, current_keys, first

BUNDLES = sorted(Path(__file__).resolve().parents[2].joinpath("bitstreams").iterdir())


@pytest.mark.parametrize("kind", RENAMED)
def test_every_name_has_one_older_one(kind):
    for old, new in RENAMED[kind].items():
        assert current(kind, old) == current(kind, new) == new and first(kind, new) == old
        assert current_keys(kind, {old: 1, "else": 2}) == {new: 1, "else": 2}
        with pytest.raises(ValueError, match="twice"):
            current_keys(kind, {old: 1, new: 2})
    assert current(kind, "masks") == first(kind, "masks") == "masks"


@pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
def test_the_object_pointer_is_obj_ptr_in_every_bundle(folder):
    manifest, spec = load_spec(folder)
    program = Program.load(folder, "mask_decoder")
    assert [port.name for port in program.outputs] == ["masks", "scores", "obj_ptr"]
    assert program.outputs == manifest.graph("mask_decoder").outputs
    assert list(spec.ports["mask_decoder"].outputs) == ["masks", "scores", "obj_ptr"]
    assert spec.policy.obj_ptrs == manifest.bank.obj_ptrs == 8
    plain = manifest.to_json()
    assert "obj_ptrs" in plain["bank"] and "pointers" not in json.dumps(plain)
    assert type(manifest).from_json(plain) == manifest == load_manifest(folder)


def test_the_streams_of_older_hardware_carry_it(tmp_path):
    end = StreamEnd("m_axis_pointers", "pointers", 0, 8)
    graph = GraphHardware("mask_decoder", 0, (), (end,), 10)
    Hardware("KV260", "xck26", 200.0, 1, "system", ("system.sv",), (graph,)).save(tmp_path)
    (found,) = Hardware.load(tmp_path).graphs[0].outputs
    assert found == dataclasses.replace(end, port="obj_ptr")
