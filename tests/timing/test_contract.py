"""No kernel is slower than its contract says, nor does the table say more than is true."""

from dataclasses import replace

import pytest

from hw.design import Design
from hw.library import module_file, names
from hw.synth import FAMILIES
from hw.timing import contract, delays
from hw.timing.contract import SLACK_NS, Contract, Longest, load, longest
from hw.timing.delays import TimingError
from hw.timing.model import of_netlist
from hw.timing.netlists import netlists
from tests.kernels.suite import planted

QUICK = ("dwc", "fifo", "mvu", "pipe", "skid", "swg")
"""What streams pass most; all others, and the other family, in `make test-all`."""


@pytest.fixture(scope="module")
def quick():
    return contract.models(QUICK, "xcup")


@pytest.mark.parametrize("name", QUICK)
def test_the_kernels_that_streams_pass_most_keep_theirs(quick, name):
    load()[name].check("xcup", quick[name])


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_kernel_keeps_its_contract_and_the_table_is_of_today(family):
    found = contract.models(names(), family)
    for name, model in found.items():
        load()[name].check(family, model)
        assert longest(model).ns == pytest.approx(load()[name].longest[family].ns, abs=SLACK_NS)


def slower(name, fault, tmp_path):
    """The reference with a text of its source replaced."""
    design = planted(Design.of(load()[name].reference), fault, tmp_path)
    (path,) = netlists({name: design}, "xcup", 1, alone=True).values()
    return of_netlist(path, delays.load("xcup"))


def test_a_comparison_before_a_ready_is_refused(tmp_path):
    copy = module_file("fifo").read_text(encoding="utf-8")
    assert copy.count("room_q;") == 2  # tready and what is written
    first = slower("fifo", ("= s_axis_tvalid && room_q", "= s_axis_tvalid && wnext != raddr_q"),
                   tmp_path)  # fmt: skip
    with pytest.raises(TimingError, match=r"fifo takes .* ns over . LUTs on xcup, .* by its con"):
        load()["fifo"].check("xcup", first)


@pytest.mark.slow
def test_a_skid_removed_is_refused(tmp_path):
    whole = Design.of(load()["attention"].reference)
    weights = module_file("attention_weights")
    text = weights.read_text(encoding="utf-8")
    assert text.count("  skid #(") == 2
    copy = tmp_path / weights.name
    copy.write_text(text.replace("  skid #(", "  pipe #("), encoding="utf-8")
    files = [copy if file == weights else file for file in whole.files]
    files.insert(0, module_file("pipe"))
    (path,) = netlists({"it": replace(whole, files=tuple(files))}, "xcup", 1, alone=True).values()
    with pytest.raises(TimingError, match="attention takes"):
        load()["attention"].check("xcup", of_netlist(path, delays.load("xcup")))


def test_what_is_faster_is_fine_and_what_is_slower_is_named(quick):
    reference = load()["skid"].reference
    now = longest(quick["skid"])
    for more in (0.0, 1.0):
        Contract(reference, {"xcup": Longest(9, now.ns + more)}).check("xcup", quick["skid"])
    with pytest.raises(TimingError, match="--write"):
        Contract(reference, {"xcup": Longest(9, now.ns - 0.1)}).check("xcup", quick["skid"])


def test_a_kernel_without_a_contract_is_refused(tmp_path):
    short = tmp_path / "contract.toml"
    text = contract.FILE.read_text(encoding="utf-8")
    short.write_text(text.replace("[skid]", "[skip]"), encoding="utf-8")
    with pytest.raises(TimingError, match="contract.toml: skid has no 'skid'"):
        load(short)


def test_written_numbers_are_read_again(tmp_path):
    text = contract.FILE.read_text(encoding="utf-8")
    for name in ("attention", "vvu"):  # the first and the last of the table
        text = contract._written(name, "xc7", Longest(77, 12.345), text)
    new = tmp_path / "contract.toml"
    new.write_text(text, encoding="utf-8")
    found = load(new)
    assert [n for n in names() if found[n].longest["xc7"].levels == 77] == ["attention", "vvu"]
    assert found["vvu"].longest["xcup"] == load()["vvu"].longest["xcup"]
