"""What comes from outside: every file of the set-up pinned by its hash, nothing unpickled anywhere.
Bundles, which are signed by the hashes of their files, have theirs in tests/spec/test_manifest.py.
"""

import ast
import re
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement

from requirements.lock import EXTRAS, SUPPLY, entries, local_build, name_of
from tests.test_layering import PARTS, ROOT, listed_files

FOLDER = ROOT / "requirements"
FILES = ("cpu.txt", "gpu.txt", "setup.txt", "supply.txt")
PIN = re.compile(r"([a-z0-9-]+)==([^ ;]+)( ; .*)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\\n)?)+")


def pinned(*names):
    return {e: name for name in names for e in entries((FOLDER / name).read_text("utf-8"))}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_file_is_pinned_by_hash():
    for entry, name in pinned(*FILES).items():
        assert PIN.fullmatch(entry), f"{name}: {entry[:120]}"
    text = "".join((FOLDER / name).read_text("utf-8") for name in FILES)
    assert "://" not in text and "index" not in text.split()
    assert len(pinned("setup.txt")) > 100


def wanted(extra, plain):
    for line in plain["project"]["optional-dependencies"][extra]:
        asked = Requirement(line)
        if normal(asked.name) == "samfabric":
            for other in asked.extras:
                yield from wanted(other, plain)
        else:
            yield asked


def test_all_that_setup_needs_is_pinned_at_a_version_that_is_asked_for():
    plain = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    versions: dict[str, list[str]] = {}
    for entry in pinned("setup.txt", "gpu.txt"):
        version = entry.partition("==")[2].split()[0]
        versions.setdefault(name_of(entry), []).append(version)
    asked = [Requirement(line) for line in plain["project"]["dependencies"]]
    asked += [one for extra in EXTRAS for one in wanted(extra, plain)]
    asked += [Requirement(line) for line in plain["tool"]["samfabric"]["no-deps"]]
    for one in asked:
        found = versions.get(normal(one.name))
        assert found, f"{one} is not pinned: run `make lock`"
        assert all(v in one.specifier for v in found), f"{one}, pinned at {found}: run `make lock`"
    assert {name_of(entry) for entry in pinned("supply.txt")} >= set(SUPPLY)


def test_setup_installs_pinned_files_only():
    text = (ROOT / "Makefile").read_text("utf-8")
    rule = text.split("$(STAMP):", 1)[1].split("\n\n", 1)[0]
    installs = [line for line in rule.splitlines() if "$(PIP)" in line]
    assert len(installs) == 3
    for line in installs:
        whole = "--no-deps --no-build-isolation --editable ." in line
        assert whole or line.count("$(PIP) $(PINNED) $(LOCKS)/") == line.count("$(PIP)")
    assert "PINNED := --no-deps --require-hashes" in text


def test_a_build_for_cpus_is_known_by_its_version(monkeypatch):
    def download(command, check):
        folder = Path(command[command.index("-d") + 1])
        (folder / f"torch-2.13.0{build}-cp311-cp311-linux_x86_64.whl").write_bytes(b"x")

    monkeypatch.setattr("requirements.lock.subprocess.run", download)
    build = "+cpu"
    (entry,) = local_build("torch==2.13.0")
    assert entry.startswith("torch==2.13.0+cpu") and PIN.fullmatch(entry)
    build = ""
    assert local_build("torch==2.13.0") == []


# Functions that run what a file says, by module; numpy's and PyTorch's unless they are told not to.
RUNNING = {
    "pickle": {"load", "loads", "Unpickler"},
    "cloudpickle": {"load", "loads"},
    "dill": {"load", "loads"},
    "joblib": {"load"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "yaml": {"load", "unsafe_load", "full_load"},
    "pandas": {"read_pickle"},
}
TOLD = {("np", "load"): "allow_pickle", ("numpy", "load"): "allow_pickle"}
TOLD |= {("torch", "load"): "weights_only", ("trainer", "fit"): "weights_only"}
SAFE = {"allow_pickle": False, "weights_only": True}


def unpickling(source, where):
    """One line of text for each call that could run what a file says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        owner = getattr(getattr(function, "value", None), "id", "")
        name = getattr(function, "attr", getattr(function, "id", ""))
        option = TOLD.get((owner, name))
        if name in RUNNING.get(owner, ()):
            found.append(f"{where}:{node.lineno} {owner}.{name}")
        elif option is not None:
            given = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            if given.get(option) is not SAFE[option]:
                found.append(f"{where}:{node.lineno} {owner}.{name} without {option}")
    return found


def test_nothing_is_unpickled():
    found = []
    for path in listed_files():
        relative = path.relative_to(ROOT)
        if path.suffix == ".py" and relative.parts[0] in PARTS:
            found += unpickling(path.read_text("utf-8"), relative)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "pickle.loads(x)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "trainer.fit(m, ckpt_path=p)",
        "yaml.load(x)",
    ],
)
def test_the_scan_catches_a_planted_one(source):
    assert len(unpickling(source, "x")) == 1
    assert not unpickling("np.load(p, allow_pickle=False); torch.load(p, weights_only=True)", "x")
