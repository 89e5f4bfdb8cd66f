"""Writes what `make setup` installs, every file pinned by its SHA-256: `make lock`.

    cpu.txt     PyTorch's build for CPUs, where this machine's pip finds one; else
    gpu.txt     PyTorch as it is published, with what its build for GPUs needs besides
    setup.txt   everything else, installed as it stands (pip: --no-deps --require-hashes)
    supply.txt  uv, which resolves the versions, and pip-audit, which looks for known faults

A version stands in a file with the hashes of all its builds, so that one file serves every Python
from 3.11 on; cpu.txt has the build that pip takes where `make lock` runs.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tomllib

FOLDER = Path(__file__).resolve().parent
PROJECT = FOLDER.parent / "pyproject.toml"
EXTRAS = ("quant", "text", "teacher", "sim", "finn", "dev")
SUPPLY = ("uv", "pip-audit")
GPU_ONLY = ("nvidia-", "cuda-", "triton")
"""How the names begin of what PyTorch's build for GPUs alone asks for."""
ASKED = ("--universal", "--python-version", "3.11", "--generate-hashes")
PLAIN = ("--no-annotate", "--no-header", "--quiet")


def compiled(source: str, *options: str) -> str:
    """What uv makes of requirements, one a line. Raises CalledProcessError where none fit."""
    command = [sys.executable, "-m", "uv", "pip", "compile", *ASKED, *PLAIN, *options]
    where, text = (source, None) if Path(source).is_file() else ("-", source)
    done = subprocess.run([*command, where], input=text, text=True, check=True, stdout=-1)
    return done.stdout


def entries(text: str) -> list[str]:
    """Requirements with their hashes, each of several lines."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and found:
            found[-1] += f"\n{line}"
        elif line.strip():
            found.append(line)
    return found


def name_of(entry: str) -> str:
    """Of what an entry pins."""
    return entry.partition("==")[0].lower()


def local_build(requirement: str) -> list[str]:
    """The build for CPUs that pip takes on this machine, as an entry; [] where it takes another."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "download", "-q", "--no-deps", "-d", folder, requirement], check=True)
        (file,) = Path(folder).iterdir()
        name, version, *_ = file.name.split("-")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if not version.endswith("+cpu"):
        return []
    return [f"{name}=={version} \\\n    --hash=sha256:{digest}"]


def write(name: str, entries_: Sequence[str]) -> None:
    """Writes a file of this folder."""
    text = "".join(f"{entry}\n" for entry in sorted(entries_, key=name_of))
    (FOLDER / name).write_text(text, encoding="utf-8")


def main() -> None:
    """Writes the files."""
    plain = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    found = entries(compiled(str(PROJECT), *extras))
    # finn-plus asks for older versions than those it works with, so it is pinned by itself; the
    # build of the project itself takes place in the same environment.
    found += entries(compiled("\n".join(plain["tool"]["samfabric"]["no-deps"]), "--no-deps"))
    (torch,) = plain["project"]["optional-dependencies"]["golden"]
    gpu = [e for e in found if name_of(e) == "torch" or name_of(e).startswith(GPU_ONLY)]
    write("cpu.txt", local_build(torch))
    write("gpu.txt", gpu)
    write("setup.txt", [e for e in found if e not in gpu])
    write("supply.txt", entries(compiled("\n".join(SUPPLY))))


if __name__ == "__main__":
    main()
