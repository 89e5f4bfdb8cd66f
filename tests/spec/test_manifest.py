"""Bundles: written whole, verified on opening, every damage named."""

import dataclasses
import json

import numpy as np
import pytest

from hw.spec.dtypes import IntType
from hw.spec.errors import BundleError
from hw.spec.files import atomic_path, sha256_of
from hw.spec.manifest import (
    DETECTOR,
    DETECTOR_TABLES,
    GRAPHS,
    VOCABULARY,
    BankSizes,
    DetectorSizes,
    GraphEntry,
    Manifest,
    Widths,
    graph_names,
    load_manifest,
    write_manifest,
)
from hw.spec.port import Port


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "tiny_golden_0"
    folder.mkdir()
    entry = GraphEntry(
        "image_encoder",
        "image_encoder.json",
        "image_encoder.npz",
        (Port("image", (1, 3, 64, 64), IntType(8), 1 / 128),),
        (Port("features", (1, 64, 4, 4), IntType(8), 0.05),),
    )
    (folder / entry.program).write_text("{}")
    np.savez(folder / entry.weights, w=np.arange(4))
    np.savez(folder / "tables.npz", age_codes=np.zeros(3))
    manifest = Manifest("tiny", "W4A4", 64, Widths(64, 32, 32, 8), BankSizes(6, 2, 8), (entry,))
    write_manifest(folder, manifest)
    return folder


def test_round_trip(bundle):
    manifest = load_manifest(bundle)
    assert manifest.model == "tiny" and manifest.widths.Ck == 32 and manifest.bank.recent == 6
    port = manifest.graph("image_encoder").inputs[0]
    assert port.shape == (1, 3, 64, 64) and port.dtype == IntType(8) and port.scale == 1 / 128
    assert set(manifest.hashes) == {"image_encoder.json", "image_encoder.npz", "tables.npz"}
    assert manifest.hashes["tables.npz"] == sha256_of(bundle / "tables.npz")
    assert len(manifest.digest) == 8


def test_the_digest_follows_the_content(bundle):
    before = load_manifest(bundle)
    (bundle / "image_encoder.json").write_text('{"changed": 1}')
    assert write_manifest(bundle, before).digest != before.digest


def test_an_altered_file_is_named_with_both_hashes(bundle):
    expected = load_manifest(bundle).hashes["image_encoder.npz"]
    (bundle / "image_encoder.npz").write_bytes(b"other")
    found = sha256_of(bundle / "image_encoder.npz")
    with pytest.raises(BundleError) as caught:
        load_manifest(bundle)
    text = str(caught.value)
    assert "image_encoder.npz" in text and expected in text and found in text
    assert caught.value.remedy


def test_a_missing_file_is_named(bundle):
    (bundle / "tables.npz").unlink()
    with pytest.raises(BundleError, match=r"tables\.npz is missing"):
        load_manifest(bundle)


def test_extra_files_are_verified_too(bundle):
    (bundle / "report.txt").write_text("LUT 7")
    write_manifest(bundle, load_manifest(bundle), extra=["report.txt"])
    load_manifest(bundle)
    (bundle / "report.txt").write_text("LUT 8")
    with pytest.raises(BundleError, match=r"report\.txt"):
        load_manifest(bundle)


def test_missing_folders_and_manifests(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        load_manifest(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"no manifest\.json"):
        load_manifest(tmp_path)


def edit(bundle, **changes):
    path = bundle / "manifest.json"
    plain = json.loads(path.read_text())
    plain.update(changes)
    path.write_text(json.dumps({k: v for k, v in plain.items() if v is not None}))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"format": 99}, "format 99"),
        ({"widths": {"C": 1}}, "TypeError"),
        ({"bank": None}, "bank"),
        ({"hashes": {}}, "no hash for image_encoder"),
        ({"graphs": [{"name": "x"}]}, "inputs|program"),
    ],
)
def test_malformed_manifests(bundle, changes, text):
    edit(bundle, **changes)
    with pytest.raises(BundleError, match=text):
        load_manifest(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_a_manifest_that_is_no_manifest(bundle, text):
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match="no valid manifest"):
        load_manifest(bundle)


def test_a_bundle_reads_nothing_outside_itself(bundle):
    (bundle.parent / "secret").write_text("x")
    hashes = dict(load_manifest(bundle).hashes)
    edit(bundle, hashes={**hashes, "../secret": sha256_of(bundle.parent / "secret")})
    with pytest.raises(BundleError, match="secret"):
        load_manifest(bundle)


def test_unknown_graph(bundle):
    with pytest.raises(BundleError, match="detector.*image_encoder"):
        load_manifest(bundle).graph("detector")


def test_write_manifest_needs_its_files(bundle):
    manifest = load_manifest(bundle)
    (bundle / "tables.npz").unlink()
    before = (bundle / "manifest.json").read_text()
    with pytest.raises(BundleError, match=r"tables\.npz"):
        write_manifest(bundle, manifest)
    assert (bundle / "manifest.json").read_text() == before


def test_atomic_path_keeps_the_old_file_on_error(tmp_path):
    target = tmp_path / "new" / "file.txt"
    with atomic_path(target) as part:
        part.write_text("one")
    with pytest.raises(RuntimeError), atomic_path(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "one"
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


def test_a_detector_is_optional():
    assert graph_names(GRAPHS) == graph_names([]) == GRAPHS
    assert graph_names([DETECTOR, "image_encoder"]) == (*GRAPHS, DETECTOR)


def test_a_detector_s_files_are_part_of_the_bundle(bundle):
    plain = load_manifest(bundle)
    assert plain.detector is None and "detector" not in plain.to_json()
    changed = dataclasses.replace(plain, detector=DetectorSizes(7, 4, 4))
    with pytest.raises(BundleError, match="detector_tables"):
        write_manifest(bundle, changed)
    np.savez(bundle / DETECTOR_TABLES, queries=np.zeros(3))
    np.savez(bundle / VOCABULARY, phrases=np.array(["cat"]))
    written = write_manifest(bundle, changed)
    assert load_manifest(bundle) == written and written.detector == DetectorSizes(7, 4, 4)
    assert written.digest != plain.digest
    (bundle / VOCABULARY).unlink()
    with pytest.raises(BundleError, match="vocabulary"):
        load_manifest(bundle)
