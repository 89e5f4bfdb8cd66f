"""The gate lets nothing through: every test file is collected, and continuous integration, `make
check` and the hooks before a commit run the same checks.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sim.lint import FOLDERS, main, style_files

ROOT = Path(__file__).resolve().parent.parent


def collected(folder, *options):
    """The test files below `folder` of which pytest collects at least one test."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q"]
        + [f"--rootdir={folder}", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return {folder / line.split("::")[0] for line in done.stdout.splitlines() if "::" in line}


def in_tree(folder):
    return {p for p in (folder / "tests").rglob("test_*.py") if "__pycache__" not in p.parts}


def test_every_test_file_of_the_tree_is_collected():
    missing = in_tree(ROOT) - collected(ROOT)
    assert not missing, f"never run: {sorted(str(p.relative_to(ROOT)) for p in missing)}"


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("tests/build/test_x.py", "def test_x():\n    pass\n", True),
        ("tests/.hidden/test_x.py", "def test_x():\n    pass\n", False),
        ("tests/test_x.py", "def tset_x():\n    pass\n", False),
    ],
)
def test_a_planted_file_is_told(path, text, found, tmp_path):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "tests" / "test_y.py").write_text("def test_y():\n    pass\n", encoding="utf-8")
    missing = in_tree(tmp_path) - collected(tmp_path, "-c", str(ROOT / "pyproject.toml"), "tests")
    assert missing == (set() if found else {tmp_path / path})


def make_prints(verb):
    """The commands that a verb of the Makefile runs, setting up left out."""
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", verb],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    runs = [line for line in done.stdout.splitlines() if line.startswith(".venv/bin/python -m ")]
    return [line for line in runs if " -m pip " not in line]


def test_hooks_before_a_commit_run_what_make_check_runs():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repo,) = yaml.safe_load(text)["repos"]
    assert repo["repo"] == "local"
    assert [hook["entry"] for hook in repo["hooks"]] == make_prints("check")
    assert all(hook["language"] == "system" for hook in repo["hooks"])


def test_make_check_asks_each_tool():
    said = " ".join(make_prints("check"))
    for words in (
        "ruff check .",
        "ruff format --check .",
        "-m mypy",
        "sim.lint --style",
        "synthesis",
    ):
        assert words in said, words


def test_continuous_integration_runs_checks_and_tests():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines  # a failing check ends the run
    assert [line for line in lines if line.startswith("make ")] == [
        "make check",
        "make docs",
        "make test",
    ]


def test_verible_reads_every_module_of_the_project():
    asked = ["git", "-C", str(ROOT), "ls-files", "*.sv"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: what belongs to the project is not known")
    assert {ROOT / name for name in done.stdout.split()} <= set(style_files())
    assert all((ROOT / folder).is_dir() for folder in FOLDERS)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("module m;\nendmodule\n", 0),
        ("module m;\n      wire a;\nendmodule\n", 1),
        ("module m;\n  logic a;\n  always @* a = 0;\nendmodule\n", 1),
        ("module m;\n  assign = ;\nendmodule\n", 1),
    ],
    ids=["clean", "layout", "rule", "syntax"],
)
def test_style_of_a_planted_module(text, status, tmp_path):
    (tmp_path / "m.sv").write_text(text, encoding="utf-8")
    assert main(["--style", str(tmp_path / "m.sv")]) == status


def test_style_of_a_missing_file(tmp_path, capsys):
    assert main(["--style", str(tmp_path / "no.sv")]) == 2
    assert "no.sv" in capsys.readouterr().err
