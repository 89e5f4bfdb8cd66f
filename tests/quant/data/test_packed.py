"""A pack holds what the folder held: names, pictures nearly, ids to the pixel."""

import json

import numpy as np
import pytest

from quant.data import DataError
from quant.data.packed import is_pack, load_pack
from quant.training import pack
from quant.training.data import find_material
from tests.quant.data.test_named_stills import TRAIN, three_ids, write_still
from tests.quant.data.vos_trees import davis_2016, write_lines


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "data"
    davis_2016(root / "DAVIS")
    write_lines(root / "DAVIS/ImageSets/480p/train.txt", "bear")
    for name, values in (("photos", three_ids()), ("car_parts", three_ids())):
        write_still(root / f"stills/{name}", TRAIN[0], values)
        table = {TRAIN[0]: [[1, "cat"], [2, "sofa"]]}
        (root / f"stills/{name}/labels.json").write_text(json.dumps(table))
    return root


def test_a_pack_equals_its_folder(folder, tmp_path, capsys):
    path = tmp_path / "data.zip"
    argv = ["--data", str(folder), "--out", str(path), "--quality", "90"]
    assert pack.main(argv) == 0 and is_pack(path)
    assert "1 videos of 5 frames, 2 stills (car_parts 1, photos 1)" in capsys.readouterr().out
    there, packed = find_material(folder), find_material(path)
    for own, other in zip(there.videos, packed.videos, strict=True):
        assert own.name == other.name and own.annotated == other.annotated
        for i in own.annotated:
            np.testing.assert_array_equal(own.labels(i), other.labels(i))
            difference = own.frame(i).astype(int) - other.frame(i)
            assert np.abs(difference).mean() < 12  # of WebP, on edges of pure colours
    for still, copy in zip(there.stills, packed.stills, strict=True):
        assert (still.source, still.parts) == (copy.source, copy.parts)
        image, masks = still.read()
        found, others = copy.read()
        assert found.shape == image.shape
        np.testing.assert_array_equal(still.void(24, 40), copy.void(24, 40))
        assert {m.tobytes() for m in masks} == {m.tobytes() for m in others}
    assert any(still.parts for still in packed.stills)


def test_larger_pictures_shrink_and_ids_with_them(folder, tmp_path):
    path = tmp_path / "small.zip"
    assert pack.main(["--data", str(folder), "--out", str(path), "--side", "12"]) == 0
    (video,), _ = load_pack(path)
    labels = video.labels(0)
    assert labels is not None
    assert video.frame(0).shape == (12, 20, 3) and labels.shape == (12, 20)
    assert labels[3, 3] == 1


def test_a_broken_pack_is_named(tmp_path):
    path = tmp_path / "half.zip"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match=r"half\.zip is no readable pack"):
        load_pack(path)
