#!/usr/bin/python3
# Runs the fuzz targets of a build: for some time, for so many executions, or only over the inputs that are known.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The seeds of NAME_fuzz are in corpus/NAME beside this file, its dictionary in NAME.dict or http.dict. What is new
# goes to FOLDER/corpus/NAME, an input that fails to FOLDER/NAME-…: give it to its target as the only argument to see
# it fail again. All targets are run, whatever becomes of the others; the exit status is 1 when one failed.
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reliability"))
import figures  # noqa: E402: its folder is known only now

SLOWEST_INPUT = 20  # seconds that one input may take
READS_HTTP = ("connection", "differential", "parser")


class Outcome:
    """What became of one target, as its log tells."""

    def __init__(self, log, code=0):
        self.name, self.log = log.stem, log
        self.text = log.read_text(errors="replace")
        done = re.search(r"^Done (\d+) runs in (\d+) second", self.text, re.MULTILINE)
        self.failed = code != 0 or not done
        self.runs, self.seconds = map(int, done.groups()) if done else (0, 0)
        self.edges = max(map(int, re.findall(r"cov: (\d+)", self.text)), default=0)
        self.inputs = max(map(int, re.findall(r"corp: (\d+)", self.text)), default=0)

    def __str__(self):
        if self.failed:
            return "\n".join([f"{self.name}: FAILED; the end of {self.log}:", *self.text.splitlines()[-40:]])
        return f"{self.name}: {self.runs:,} runs in {self.seconds} s, {self.edges:,} edges, {self.inputs} inputs"


def fuzz(target, limits):
    folder = target.parent
    name = target.name.removesuffix("_fuzz")
    found = folder / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    command = [target, *limits, f"-timeout={SLOWEST_INPUT}", f"-artifact_prefix={folder}/{name}-"]
    for words in (HERE / f"{name}.dict", HERE / "http.dict" if name in READS_HTTP else None):
        if words and words.is_file():
            command.append(f"-dict={words}")
            break
    command += [found, *(seeds for seeds in [HERE / "corpus" / name] if seeds.is_dir())]
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        code = subprocess.run([str(part) for part in command], stdout=output, stderr=output, check=False).returncode
    return Outcome(log, code)


def main():
    options = argparse.ArgumentParser(description="Runs fuzz targets.")
    options.add_argument("folder", type=Path, help="where the targets are, e.g. build/fuzz/fuzz")
    options.add_argument("--replay", action="store_true", help="run each known input once, and make no new ones")
    options.add_argument("--seconds", type=int, default=1200, help="at most so long for each target (%(default)s)")
    options.add_argument("--runs", type=int, default=10_000_000, help="or so many executions (%(default)s)")
    options.add_argument("--jobs", type=int, default=os.cpu_count(), help="so many targets at a time (%(default)s)")
    options.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these targets alone")
    options.add_argument("--write", action="store_true", help="keep the figures in docs/RELIABILITY.md")
    given = options.parse_args()

    targets = sorted(given.folder.glob("*_fuzz"))
    if given.only:
        targets = [target for target in targets if target.name.removesuffix("_fuzz") in given.only]
    if not targets:
        raise SystemExit(f"run.py: no fuzz target in {given.folder} (make fuzz builds them)")
    limits = ["-runs=0"] if given.replay else [f"-runs={given.runs}", f"-max_total_time={given.seconds}"]
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(fuzz, target, limits) for target in targets]):
            outcomes.append(done.result())
            print(outcomes[-1], flush=True)

    failed = sorted(outcome.name for outcome in outcomes if outcome.failed)
    if failed:
        raise SystemExit(f"run.py: failed: {' '.join(failed)}")
    if given.write:
        # Of every target the last run, so that one alone can be run again.
        last = [Outcome(log) for log in sorted(given.folder.glob("*.log"))]
        rows = [(f"`{one.name}`", *(("failed", "", "", "") if one.failed else
                                    (f"{one.runs:,}", one.seconds, f"{one.edges:,}", one.inputs))) for one in last]
        figures.write("fuzz", "make fuzz", figures.table(
            ("target", "executions", "seconds", "edges covered", "inputs kept"), rows))


if __name__ == "__main__":
    main()
