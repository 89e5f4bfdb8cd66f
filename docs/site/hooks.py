"""What the documentation site makes of files that are not pages: mkdocs calls these functions.

The home page is README.md, the changelog and the model cards are taken from where they stand, the
register map is read off `hw/spec`, API pages list the modules that a folder holds. So nothing is
written twice.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from register_map import MARKER, register_map  # noqa: E402  # mkdocs loads this file by its path

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
ROOMS = re.compile(r"<!-- modules: ([\w. ]+) -->")
FENCE = re.compile(r"^(```.*?^```$|~~~.*?^~~~$)", re.MULTILINE | re.DOTALL)


def taken_from() -> dict[str, str]:
    """Pages that stand outside docs/: path in the site -> path in the repository."""
    cards = sorted((ROOT / "quant" / "checkpoints").glob("*.md"))
    pages = {f"cards/{card.name}": card.relative_to(ROOT).as_posix() for card in cards}
    return {"index.md": "README.md", "changelog.md": "CHANGELOG.md", **pages}


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages from outside docs/ and completes the navigation with what is there."""
    from mkdocs.structure.files import File

    for page, path in taken_from().items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    pages = [file.src_uri for file in files.documentation_pages()]
    config.nav = completed(config.nav, pages)
    return files


def completed(nav: list[Any], pages: list[str]) -> list[Any]:
    """The navigation without pages that are missing, and with those that it does not name."""
    named: set[str] = set()

    def present(entries: list[Any]) -> list[Any]:
        kept = []
        for entry in entries:
            (title, below), *_ = entry.items()
            if isinstance(below, list):
                kept.append({title: present(below)})
            elif below in pages or below not in AWAITED:
                named.add(below)
                kept.append(entry)
        return kept

    known = present(nav)
    more = sorted(set(pages) - named)
    return [*known, {"More": more}] if more else known


AWAITED = {"board.md", "hls.md"}
"""Pages of the navigation that a checkout may lack; any other that is missing stops the build."""


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Writes what is read off sources; links between files become links between pages."""
    uri = page.file.src_uri
    source = taken_from().get(uri, f"docs/{uri}")
    maps = markdown.replace(MARKER, register_map())
    made = ROOMS.sub(lambda match: modules(match[1]), maps)
    return linked(made, source, uri)


def modules(rooms: str) -> str:
    """Directives of mkdocstrings for every module that lies directly in the folders named."""
    found = [
        f"{room}.{path.stem}"
        for room in rooms.split()
        for path in sorted(ROOT.joinpath(*room.split(".")).glob("*.py"))
        if not path.stem.startswith("_")
    ]
    return "\n\n".join(f"::: {module}" for module in found)


def linked(markdown: str, source: str, page: str) -> str:
    """The text with its links to files of the repository made fit for the site.

    A link to a file that has a page leads to the page; to any other file it becomes the file's
    name. A link to nothing stays, so that the build reports it.
    """
    pages = {path: uri for uri, path in taken_from().items()}
    here = posixpath.dirname(page)

    def target(match: re.Match[str]) -> str:
        image, text, path, anchor = match[1], match[2], match[3], match[4] or ""
        if re.match(r"[a-z]+:", path):
            return match[0]
        whole = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if whole in pages or whole.startswith("docs/"):
            uri = pages.get(whole) or whole.removeprefix("docs/")
            return f"{image}[{text}]({posixpath.relpath(uri, here or '.')}{anchor})"
        if image or not (ROOT / whole).exists():
            return match[0]
        return text if text.strip("`") == whole else f"{text} (`{whole}`)"

    parts = FENCE.split(markdown)
    return "".join(p if p.startswith(("```", "~~~")) else LINK.sub(target, p) for p in parts)
