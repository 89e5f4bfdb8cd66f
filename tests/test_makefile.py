"""What `make` makes of names in upper and lower case, of switches, of what is missing; and the next
step that it tells at the end of a verb.
"""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


def make(*words, dry=True, path=None):
    """What a dry run prints; what a real one does with PY=true runs no Python."""
    done = subprocess.run(
        ["make", "--no-print-directory", *(["-n"] if dry else []), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=COMMANDS if path is None else {**COMMANDS, "PATH": path},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("evaluate", "CONFIG=Nano", "SPLIT=Dev"), "--config nano"),
        (("evaluate", "MODEL=Float"), "--model float"),
        (("evaluate", "PROMPT=BOX"), "--prompt box"),
        (("evaluate", "OBJECTS=Exclusive"), "--objects exclusive"),
        (("evaluate-concepts", "MODEL=FLOAT"), "--model float"),
        (("evaluate-concepts",), "--model golden"),
        (("hardware", "BOARD=PYNQ_Z2"), "--board PYNQ_Z2"),
        (("demo", "DEVICE=Golden"), "--device golden"),
        (("demo", "DEVICE=RTL"), "hw.build.hardware"),
        (("synth", "K=MVU", "FAMILY=XC7"), "hw.synth mvu  --family xc7"),
        (("kernels", "K=MVU Skid"), "tests.kernels.datasheet mvu skid"),
        (("formal", "K=SKID"), "hw.formal.prove skid"),
        (("timing", "GRAPH=Mask_Decoder"), "--graph mask_decoder"),
        (("csim", "CONFIG=Tiny"), "--config tiny"),
        (("csim", "CONFIG=pico", "RTL=1"), "tests.hls.beside_rtl --config pico"),
        (("bitstream", "BACKEND=FINN"), "hw.lower.finn.build"),
        (("quantize", "FROM=Heads"), "--from heads"),
        (("quantize", "RESUME=No"), "--no-resume"),
        (("quantize", "RESUME=FALSE"), "--no-resume"),
        (("export", "DETECTOR=Off"), "--no-detector"),
        (("hardware", "SEARCH=1"), "--search"),
        (("hardware", "SYNTH=0"), "--no-synthesis"),
    ],
)
def test_names_and_switches_count_in_any_case(words, wanted):
    assert wanted in make(*words)[1]


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        (("hardware", "SEARCH=0"), "--search"),
        (("hardware", "SEARCH=no"), "--search"),
        (("hardware", "SYNTH=0"), "hw.build.timing"),
        (("hardware", "SYNTH=1"), "--no-synthesis"),
        (("quantize", "RESUME=1"), "--no-resume"),
        (("csim",), "--config"),
    ],
)
def test_what_a_switch_leaves_out(words, left_out):
    assert left_out not in make(*words)[1]


@pytest.mark.parametrize("verb", ["quantize", "concepts", "card", "evaluate", "evaluate-concepts"])
def test_data_that_is_not_given_is_told_at_once(verb):
    code, said = make(verb, dry=False)
    assert code and "no data is named: give DATA=folder" in said


@pytest.mark.parametrize(
    ("verb", "next_step"),
    [
        ("quantize", "make publish CONFIG=tiny RUN=runs/mine"),
        ("publish", "make bundle CONFIG=tiny"),
        ("concepts", "make publish CONFIG=tiny RUN=runs/mine"),
        ("export", "make bundle CONFIG=tiny"),
        ("bundle", "make hardware CONFIG=tiny BOARD=kv260"),
        ("hardware", "make bitstream CONFIG=tiny BOARD=kv260"),
        ("bitstream", "make demo DEVICE=pynq CONFIG=tiny"),
    ],
)
def test_a_verb_ends_with_the_next_step(verb, next_step):
    """All Python left out: what is printed last is the step, once, and no other verb's."""
    _, said = make(verb, "PY=true", "JEMALLOC=", "CONFIG=Tiny", "RUN=runs/mine", dry=False)
    steps = [line for line in said.splitlines() if line.startswith("next: ")]
    assert len(steps) == 1 and next_step in steps[0]
    assert said.rstrip().splitlines()[-1] == steps[0]


def test_a_verb_that_fails_tells_no_next_step():
    code, said = make("quantize", "PY=false", "JEMALLOC=", dry=False)
    assert code and "next:" not in said


def test_vivado_is_looked_for_before_any_long_work(tmp_path):
    """And what is missing is said, with the exit code that stands for it."""
    (tmp_path / "bin").mkdir()
    for name in ("make", "sh", "tr", "printf", "cat", "cksum", "cut", "python3.11"):
        found = next(
            p / name for p in map(Path, COMMANDS["PATH"].split(":")) if (p / name).exists()
        )
        (tmp_path / "bin" / name).symlink_to(found)
    code, said = make("bitstream", "CONFIG=tiny", dry=False, path=str(tmp_path / "bin"))
    assert code and "No vivado on the PATH" in said and "PROJECT=1" in said
    assert "Error 3" in said and "hw.build.hardware" not in said
    lines = make("bitstream", "CONFIG=tiny", "PROJECT=1")[1].splitlines()
    runs = [line for line in lines if " -m " in line]
    assert runs[0].split()[-3:] == ["hw.build.bitstream", "--look", "--project-only"]
    assert "hw.build.bitstream" in runs[-1] and "--project-only" in runs[-1]


def test_sim_without_a_kernel_lists_them():
    for words, said_first in (((), "no kernel is named"), (("K=mvux",), "no kernel mvux")):
        code, said = make("sim", *words, dry=False)
        assert code and said_first in said and "mvu, " in said and ", or all" in said
    done = subprocess.run(
        [".venv/bin/python", "-m", "tests.kernels", "MVU", "skid"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["tests/kernels/test_mvu.py", "tests/kernels/test_skid.py"]
