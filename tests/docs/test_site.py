"""The documentation site: builds without a warning, fetches nothing, says what the sources say."""

import html
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hw.spec import registers

ROOT = Path(__file__).resolve().parents[2]
DRAWINGS = ("what a board", "camera, file", "quant/config.py")
"""How the drawings of docs/architecture.md begin: the house, a frame's way, a layer's way."""


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "site" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(folder, site):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=folder,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return folder


def test_pages_fetch_nothing_from_outside(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//[^"]*"', text) == []
        links = re.findall(r"<link[^>]*>", text)
        assert not [link for link in links if re.search(r'href="(?:https?:)?//', link)], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text("utf-8"))


def test_the_three_drawings_are_there(site):
    text = (site / "architecture.html").read_text(encoding="utf-8")
    blocks = re.findall(r"<pre.*?</pre>", text, re.DOTALL)
    plain = [html.unescape(re.sub(r"<[^>]+>", "", block)) for block in blocks]
    for drawing in DRAWINGS:
        (found,) = [block for block in plain if drawing in block]
        assert len(found.splitlines()) > 8


def test_the_page_of_registers_is_the_register_map(site):
    text = (site / "registers.html").read_text(encoding="utf-8")
    rows = re.findall(r"<td><code>(0x[0-9a-f]+)</code></td>\s*<td><code>(\w+)</code>", text)
    entries = [*registers.Register, *registers.EndWord]
    assert rows == [(f"{int(entry):#04x}", entry.name) for entry in entries]
    bits = re.findall(r"<td>(\d+)</td>\s*<td><code>(\w+)</code>", text)
    flags = [*registers.Control, *registers.Status]
    assert {(flag.name, int(flag)) for flag in flags} <= {(n, 1 << int(b)) for b, n in bits}


def test_every_register_has_an_access_and_a_meaning():
    lines = load("register_map").register_map().splitlines()
    rows = [line.split("|")[1:-1] for line in lines if line.startswith("| `0x")]
    assert len(rows) == len(registers.Register) + len(registers.EndWord)
    assert all(cell.strip() for row in rows for cell in row), rows


def test_public_names_are_documented(site):
    import samfabric

    text = (site / "api" / "index.html").read_text(encoding="utf-8")
    assert [name for name in samfabric.__all__ if name not in text] == []


@pytest.mark.parametrize("text", ["[x](nowhere.md)", "[x](page.md#nowhere)", "[x](../nowhere.md)"])
def test_a_dead_link_stops_the_build(text, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# A\n\n{text}\n", encoding="utf-8")
    (tmp_path / "docs" / "page.md").write_text("# B\n", encoding="utf-8")
    whole = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    kept = {name: whole[name] for name in ("site_name", "validation", "use_directory_urls")}
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(kept), encoding="utf-8")
    assert build(tmp_path, tmp_path / "site").returncode == 1
    (tmp_path / "docs" / "index.md").write_text("# A\n\n[x](page.md#b)\n", encoding="utf-8")
    assert build(tmp_path, tmp_path / "site").returncode == 0


def test_the_navigation_takes_in_what_it_does_not_name():
    completed = load("hooks").completed
    nav = [{"Home": "index.md"}, {"Use": [{"Board": "board.md"}, {"Track": "track.md"}]}]
    pages = ["index.md", "track.md", "live.md"]
    assert completed(nav, pages) == [
        {"Home": "index.md"},
        {"Use": [{"Track": "track.md"}]},
        {"More": ["live.md"]},
    ]
    assert completed(nav, [*pages[:2], "board.md"]) == nav
    assert {"Gone": "gone.md"} in completed([{"Gone": "gone.md"}], [])  # mkdocs then says so


def test_links_follow_files_to_their_pages():
    linked = load("hooks").linked
    card = "[card](quant/checkpoints/nano.md) [why](docs/decisions.md#x) ![p](docs/tracked.png)"
    assert linked(card, "README.md", "index.md") == (
        "[card](cards/nano.md) [why](decisions.md#x) ![p](tracked.png)"
    )
    back = linked("[home](../README.md)", "docs/hardware/a.md", "hardware/a.md")
    assert back == "[home](../README.md)"  # docs/README.md: there is none, and the build says so
    assert linked("[l](../LICENSE)", "docs/a.md", "a.md") == "l (`LICENSE`)"
    assert linked("```\n[l](../LICENSE)\n```", "docs/a.md", "a.md") == "```\n[l](../LICENSE)\n```"


def test_paragraphs_are_wrapped():
    """Lines of at most 120 characters, but for tables and programs."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    long = []
    for path in pages:
        program = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            program ^= line.startswith("```")
            if len(line) > 120 and not program and not line.startswith(("|", "    ")):
                long.append(f"{path.name}:{number}")
    assert long == [] and len(pages) > 13


def test_links_of_texts_outside_the_site_lead_somewhere():
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md"):
        text = path.read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        dead = [link for link in links if "://" not in link and not (ROOT / link).exists()]
        assert dead == [] and "](" in text
        assert [line for line in text.splitlines() if len(line) > 120] == []


def test_the_version_is_said_once_more_where_it_must_be():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d\S*)\] - (\S+)$", changes, re.MULTILINE)
    assert newest and project["version"] == cited["version"] == newest[1]
    assert str(cited["date-released"]) == newest[2]
