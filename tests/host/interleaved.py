"""Jobs in an order that a seed decides: a device is run only inside calls of `Jobs`, on a job that
is drawn among the first ones of the graphs' queues.
"""

from __future__ import annotations

from concurrent.futures import Future
from random import Random

from host.jobs import Jobs


class _Lane:
    """Stands for the thread of one graph: what was handed to it waits until `step`."""

    def __init__(self) -> None:
        self.waiting = []

    def submit(self, function, *arguments):
        """Returns the future of a call that has not begun."""
        future = Future()
        self.waiting.append((future, function, arguments))
        return future

    def step(self):
        """Makes the oldest call."""
        future, function, arguments = self.waiting.pop(0)
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)

    def shutdown(self, wait, cancel_futures):
        """Nothing runs by itself."""
        self.waiting.clear()


class Interleaved(Jobs):
    """Jobs whose order `seed` decides; `order` lists the graphs as they were run."""

    def __init__(self, device, seed, sets=3):
        super().__init__(device, sets)
        for lane in self._lanes.values():
            lane.shutdown(wait=True)
        self._lanes = {graph: _Lane() for graph in self._free}
        self._lane_of = {graph: graph for graph in self._free}
        self._rng, self.order = Random(seed), []

    def _some(self, until):
        """Runs jobs until the condition holds, then a few more, or none."""
        while True:
            met = until()
            busy = [graph for graph, lane in self._lanes.items() if lane.waiting]
            if met and (not busy or self._rng.random() < 0.6):
                return
            assert busy, "waits for a job that nobody has submitted"
            graph = self._rng.choice(busy)
            self.order.append(graph)
            self._lanes[graph].step()

    def submit(self, graph, inputs):
        """Submits, and lets some jobs run."""
        job = super().submit(graph, inputs)
        self._some(lambda: True)
        return job

    def first(self, jobs, timeout_s=None):
        """Lets jobs run until one of these has ended; which of those that have is drawn, too."""
        self._some(lambda: any(job.done for job in jobs))
        done = [job for job in jobs if job.done]
        return self._rng.choice(done)
