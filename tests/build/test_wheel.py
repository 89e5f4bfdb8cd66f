"""A wheel holds one package that works alone: names, command, bundle, the repository's masks."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import samfabric
from host.cli.main import main
from host.media.demo_clip import boxes_of, render_demo_clip
from tests.host.scenes import stored

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ["host", "hw", "sim", "samfabric", "bitstreams"]
SOURCES += ["setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"]
LIMIT = 20 * 2**20
FRAMES = 3


def run(*command, cwd, **environment):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the sources, so that nothing is written into the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    tree.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, tree / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tree / name)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "-w", folder)
    run(*pip, "wheel", *options, tree, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The interpreter of an environment with the wheel. It has the packages that are installed
    here, but not their .pth files, which would lead to the repository, and a torch that refuses to
    be imported, since the package does not ask for one.
    """
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder.parent)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "torch.py").write_text("raise ModuleNotFoundError('no torch here', name='torch')\n")
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python


def test_the_repository_has_the_public_names():
    assert {"open_device", "Session", "Prompt", "ConceptSession"} <= set(dir(samfabric))
    assert {"build_sam2_video_predictor", "build_sam3_image_model"} <= set(samfabric.__all__)
    for name in samfabric.__all__:
        assert getattr(samfabric, name).__name__ == name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = samfabric.no_such_name


@pytest.mark.slow
def test_a_wheel_has_one_package_whose_imports_lead_nowhere_else(wheel):
    assert wheel.stat().st_size < LIMIT
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        sources = {n: archive.read(n) for n in names if n.endswith(".py")}
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"samfabric"}
    assert {"samfabric/py.typed", "samfabric/host/serve/page/index.html"} <= set(names)
    assert any(n.startswith("samfabric/bitstreams/nano_emulated_") for n in names)
    assert "samfabric/hw/kernels/mvu.sv" in names and "samfabric/sim/rtl/gate.h" in names
    modules = {n.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for n in sources}
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module is not None
                top = node.module.partition(".")[0]
                assert top not in ("host", "hw", "quant", "sim"), (name, node.lineno)
                assert top != "samfabric" or node.module in modules, (name, node.module)


@pytest.mark.slow
def test_an_installed_package_tracks_as_the_repository_does(environment, tmp_path):
    frames, ids = render_demo_clip(60)
    clip = tmp_path / "clip"
    clip.mkdir()
    for index, frame in enumerate(frames[:FRAMES]):
        cv2.imwrite(str(clip / f"{index}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    box = ",".join(str(edge) for edge in next(iter(boxes_of(ids[0]).values())))
    empty = tmp_path / "empty"
    empty.mkdir()
    where = "import samfabric, importlib.util as u; from samfabric import Session;"
    where += "print(samfabric.__file__, Session.__module__, u.find_spec('host'))"
    said = run(environment, "-c", where, cwd=empty)
    assert str(environment.parent.parent) in said
    assert said.split()[1:] == ["samfabric.host.session", "None"]
    command = environment.parent / "samfabric"
    run(command, "track", clip, "--box", box, "--masks", empty / "masks", cwd=empty)
    (shipped,) = ROOT.glob("bitstreams/nano_emulated_*")
    arguments = ["track", clip, "--box", box, "--bundle", shipped, "--masks", tmp_path / "masks"]
    assert main([str(argument) for argument in arguments]) == 0
    made = sorted(path.name for path in (empty / "masks").iterdir())
    assert len(made) == FRAMES
    for name in made:
        ours, theirs = (stored(f / "masks" / name) for f in (tmp_path, empty))
        assert ours.any() and np.array_equal(ours, theirs), name
