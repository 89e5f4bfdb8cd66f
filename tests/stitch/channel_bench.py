"""Runs in the simulator: one module of a system's channels beside a model of it in Python, cycle
by cycle, under random starts, stalls, tlasts and resets.
"""

from __future__ import annotations

import json
import os
from random import Random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

CYCLES = 4000
WORDS = 1 << 25


class Input:
    """system_input with the gate inside: groups of beats, whole or by rows."""

    inputs = ("s_axis_tlast", "s_axis_tvalid")

    def __init__(self, owners: list[int], beats: list[int], rows: list[int]) -> None:
        self.owners, self.beats, self.rows = owners, beats, rows
        self.left = 0  # beats still to come

    def drawn(self, rng: Random) -> dict[str, int]:
        """Values of the pins; tlast is mostly where it belongs."""
        right = int(self.left == 1)
        return {
            "i_length": rng.randint(1, 9),
            "s_axis_tlast": right if rng.random() < 0.9 else 1 - right,
            "s_axis_tvalid": int(rng.random() < 0.8),
            "m_axis_tready": rng.getrandbits(len(self.owners)),
        }

    def outputs(self, pins: dict[str, int]) -> dict[str, int]:
        chosen = [int(pins["i_owner"] == owner) for owner in self.owners]
        opened = int(self.left > 0)
        valid = pins["s_axis_tvalid"] & opened
        ready = opened & any(c and pins["m_axis_tready"] >> i & 1 for i, c in enumerate(chosen))
        last = int(self.left == 1)
        take = pins["s_axis_tvalid"] & ready
        found = {
            "o_open": opened,
            "s_axis_tready": ready,
            "m_axis_tvalid": sum(c << i for i, c in enumerate(chosen)) if valid else 0,
            "o_early": take & pins["s_axis_tlast"] & (1 - last),
            "o_late": take & (1 - pins["s_axis_tlast"]) & last,
        }
        return found | ({"m_axis_tlast": last} if valid else {})

    def step(self, pins: dict[str, int], found: dict[str, int]) -> None:
        if pins["rst"]:
            self.left = 0
        elif pins["i_start"] and pins["i_owner"] in self.owners:
            use = self.owners.index(pins["i_owner"])
            rows = self.rows[use]
            groups = -(-pins["i_length"] // rows) if rows else 1
            self.left = groups * self.beats[use]
        elif found["s_axis_tready"] and pins["s_axis_tvalid"]:
            self.left -= 1

    @property
    def busy(self) -> bool:
        """May no run begin?"""
        return self.left > 0


class Output:
    """system_output: open from a start to the tlast that goes."""

    def __init__(self, owners: list[int]) -> None:
        self.owners, self.busy = owners, False

    def drawn(self, rng: Random) -> dict[str, int]:
        """Values of the pins."""
        uses = len(self.owners)
        return {
            "s_axis_tdata": rng.getrandbits(8 * uses),
            "s_axis_tlast": rng.getrandbits(uses) & rng.getrandbits(uses),
            "s_axis_tvalid": rng.getrandbits(uses),
            "m_axis_tready": int(rng.random() < 0.7),
        }

    def outputs(self, pins: dict[str, int]) -> dict[str, int]:
        found = {"o_open": int(self.busy), "m_axis_tvalid": 0, "s_axis_tready": 0}
        if pins["i_owner"] not in self.owners:
            return found | {"m_axis_tdata": 0, "m_axis_tlast": 0}
        use = self.owners.index(pins["i_owner"])
        if self.busy:
            found["m_axis_tvalid"] = pins["s_axis_tvalid"] >> use & 1
            found["s_axis_tready"] = pins["m_axis_tready"] << use
        return found | {
            "m_axis_tdata": pins["s_axis_tdata"] >> (8 * use) & 255,
            "m_axis_tlast": pins["s_axis_tlast"] >> use & 1,
        }

    def step(self, pins: dict[str, int], found: dict[str, int]) -> None:
        gone = found["m_axis_tvalid"] and pins["m_axis_tready"] and found["m_axis_tlast"]
        if pins["rst"]:
            self.busy = False
        elif pins["i_start"] and pins["i_owner"] in self.owners:
            self.busy = True
        elif gone:
            self.busy = False


class Setting:
    """system_setting: one beat a run."""

    def __init__(self, owners: list[int]) -> None:
        self.owners, self.busy = owners, False

    def drawn(self, rng: Random) -> dict[str, int]:
        """Values of the pins."""
        return {"m_axis_tready": int(rng.random() < 0.4)}

    def outputs(self, pins: dict[str, int]) -> dict[str, int]:
        return {"m_axis_tvalid": int(self.busy)}

    def step(self, pins: dict[str, int], found: dict[str, int]) -> None:
        if pins["rst"]:
            self.busy = False
        elif pins["i_start"] and pins["i_owner"] in self.owners:
            self.busy = True
        elif pins["m_axis_tready"]:
            self.busy = False


MODELS = {"system_input": Input, "system_output": Output, "system_setting": Setting}


@cocotb.test()
async def follows_the_model(dut):
    """Every output of every cycle; the owner changes with a start alone, as in a system."""
    given = json.loads(os.environ["CHANNEL"])
    model, owners = MODELS[given["module"]](**given["model"]), given["model"]["owners"]
    rng, owner, length, compared = Random(given["seed"]), owners[0], 1, 0
    pins = {"rst": 1, "i_start": 0, "i_owner": owner} | model.drawn(rng)
    Clock(dut.clk, 10, unit="ns").start()
    runs = 0
    for cycle in range(CYCLES):
        await FallingEdge(dut.clk)
        start = int(not model.busy and rng.random() < 0.3)
        if start:  # a graph that does not use the channel, too
            owner, length = rng.choice([*owners, 0x0FF]), rng.randint(1, 9)
        pins = {"rst": int(cycle < 2 or rng.random() < 0.002), "i_start": start, "i_owner": owner}
        pins |= model.drawn(rng) | ({"i_length": length} if "rows" in given["model"] else {})
        for name, value in pins.items():
            getattr(dut, name).value = value
        await RisingEdge(dut.clk)
        found = model.outputs(pins)
        if cycle >= 2:
            for name, value in found.items():
                assert int(getattr(dut, name).value) == value, (cycle, name, pins)
                compared += 1
            runs += start and not pins["rst"] and owner in owners
        model.step(pins, found)
    assert compared > 1000 and runs > 20
