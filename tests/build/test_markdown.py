"""Pages that programs write have lines of at most 120 characters, and say the same as before."""

from hw.build.markdown import WIDTH, wrapped

LONG = " ".join(f"word{n}" for n in range(60))
PAGE = f"""# {LONG}

{LONG}

- `graph`: {LONG}
- short

| {LONG} |
|---|

```
{LONG}
```
"""


def test_paragraphs_and_items_are_wrapped_and_nothing_else():
    lines = wrapped(PAGE).splitlines()
    assert [line for line in lines if len(line) > WIDTH] == [f"# {LONG}", f"| {LONG} |", LONG]
    start = lines.index(next(line for line in lines if line.startswith("- `graph`")))
    assert lines[start + 1].startswith("  word") and "- short" in lines
    assert wrapped(PAGE).split() == PAGE.split()


def test_a_page_that_is_wrapped_stays_as_it_is():
    once = wrapped(PAGE)
    assert wrapped(once) == once and once.endswith("\n")
    # A link is one word, however long, and is not torn at its hyphens.
    link = f"[{'a-b' * 60}](x)"
    assert wrapped(f"See {link}\n") == f"See\n{link}\n"
