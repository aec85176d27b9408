# SPDX-License-Identifier: GPL-2.0-or-later
"""Costs of commands and what is made of them: medians and ratios, round by round."""

import collections
import os
import re
import signal
import statistics
import subprocess

Cost = collections.namedtuple("Cost", "wall cpu peak")  # seconds, seconds, MiB


class CommandFailed(Exception):
    """A measured command ended with an error or took too long."""


def last_words(log):
    """Return the last line that a command wrote to its log."""
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = re.sub("\x1b\\[[0-9;]*m", "", file.read()).split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no message")


class Meter:
    """Runs commands under measure.c, with nothing of the caller's proxies in their way."""

    def __init__(self, options, source, library_path):
        self.timeout = options.timeout
        self.program = os.path.join(options.bench_dir, "measure")
        self.result = os.path.join(options.bench_dir, "measure.result")
        self.log = os.path.join(options.bench_dir, "command.log")
        self.env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        if library_path:
            self.env["LD_LIBRARY_PATH"] = library_path
        subprocess.run(["cc", "-O2", "-o", self.program, source], check=True)

    def run(self, command):
        with open(self.log, "wb") as log:
            process = subprocess.Popen(
                [self.program, self.result] + command, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log, env=self.env, start_new_session=True)
            self.wait(process)
        return self.read_result()

    def wait(self, process):
        try:
            process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            raise CommandFailed("not ready after %d s" % self.timeout) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode != 0:
            raise CommandFailed("measure: status %d" % process.returncode)

    def read_result(self):
        with open(self.result, encoding="ascii") as file:
            status, wall, user, system, peak = (int(word) for word in file.read().split())
        if status != 0:
            raise CommandFailed("status %d: %s" % (status, last_words(self.log)))
        return Cost(wall / 1e6, (user + system) / 1e6, peak / 1024)


class Row:
    """One line of the table: costs of both programs and the floors, a list entry a round."""

    def __init__(self, name, stages):
        self.name = name
        self.stages = stages
        self.costs = {"ours": [], "peer": []}
        self.floors = []
        self.failed = {}

    def fail(self, side, reason):
        self.failed[side] = reason
        self.costs[side] = []

    def median(self, side, field):
        values = [getattr(cost, field) for cost in self.costs[side]]
        return statistics.median(values) if values else None

    def peak(self, side):
        """The worst of all rounds: a limit on memory holds always or not at all."""
        return max((cost.peak for cost in self.costs[side]), default=None)

    def floor_seconds(self):
        return [max(floor.values()) for floor in self.floors if floor]

    def floor(self):
        """Return (median seconds, slowest stage), or (None, None)."""
        if not self.floor_seconds():
            return None, None
        medians = {s: statistics.median(f[s] for f in self.floors) for s in self.floors[0]}
        return statistics.median(self.floor_seconds()), max(medians, key=medians.get)

    def ratios_to_peer(self):
        return [a.wall / b.wall for a, b in zip(self.costs["ours"], self.costs["peer"])]

    def ratios_to_floor(self):
        return [a.wall / b for a, b in zip(self.costs["ours"], self.floor_seconds())]
