"""Names in upper and lower case, paths from home, and what is left empty."""

import argparse
from pathlib import Path

import pytest

from host.devices.registry import DEVICES, default_bundle, open_device
from host.media.video import open_source
from hw.library import kernel_class
from hw.spec.command_line import any_case, data_path, given_path, meant, model_name
from hw.spec.errors import SamFabricError, SpecError
from quant.config import get_config


@pytest.mark.parametrize(
    ("given", "known", "wanted"),
    [
        ("MVU", ("mvu", "mvu_x"), "mvu"),
        ("PYNQ_Z2", ("KV260", "PYNQ-Z2"), "PYNQ-Z2"),
        (" Golden ", ("golden", "rtl"), "golden"),
        ("Val", ("val", "Val"), "Val"),
        ("nobody", ("val",), "nobody"),
    ],
)
def test_the_name_that_was_meant(given, known, wanted):
    assert meant(given, known) == any_case(known)(given) == wanted


def test_names_of_the_public_functions():
    assert get_config("Nano").name == "nano"
    assert kernel_class("SKID") is kernel_class("skid")
    assert default_bundle("Tiny").name.startswith("tiny_")
    with pytest.raises(SpecError, match="'nanoo'.*tiny, pico, nano"):
        get_config("nanoo")
    with pytest.raises(SamFabricError, match=f"'rtll'.*{sorted(DEVICES)[0]}"):
        open_device("rtll")


def test_a_device_in_upper_case_opens():
    device = open_device("GOLDEN", default_bundle("tiny"))
    try:
        assert device.spec.name == "tiny"
    finally:
        device.close()


def test_paths_begin_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_path("~/a/b") == data_path("~/a/b") == tmp_path / "a" / "b"
    assert given_path("a~b") == Path("a~b")
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(SamFabricError, match=f"{tmp_path}/clip.mp4 is empty"):
        open_source("~/clip.mp4")


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (given_path, "an empty path"),
        (data_path, "no data is named: give DATA=folder"),
        (model_name, "no model is named: give CONFIG=nano"),
    ],
)
def test_what_is_empty_is_told(read, told):
    for given in ("", "  "):
        with pytest.raises(argparse.ArgumentTypeError, match=told):
            read(given)
