"""Notebooks run from top to bottom on `golden`, and are kept without outputs."""

import os
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="notebooks are read by nbformat: make setup")
nbclient = pytest.importorskip("nbclient", reason="notebooks are run by nbclient: make setup")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_the_three():
    assert [path.stem for path in NOTEBOOKS] == ["hardware", "text", "track"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_not_kept(path):
    book = nbformat.read(path, 4)
    nbformat.validate(book)
    for cell in book.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, cell.source


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    pytest.importorskip("torch", reason="the golden device is quick on torch")
    monkeypatch.setenv("SAMFABRIC_FRAMES", "4")
    monkeypatch.setenv("SAMFABRIC_DEVICE", "golden")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT)]))
    book = nbformat.read(path, 4)
    client = nbclient.NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    )
    client.execute()
    outputs = [o for cell in book.cells if cell.cell_type == "code" for o in cell.outputs]
    said = "".join(o.get("text", "") for o in outputs)
    shown = [o for o in outputs if "image/jpeg" in o.get("data", {})]
    if path.stem == "hardware":
        assert said.count(" 0 of ") >= 4 and "mask_decoder" in said
    else:
        assert shown and ("IoU" in said or "found, scores" in said)
