# Runs commands of the documents beside a daemon of their own, and compares what they print with what stands there.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import daemon

# What is another one each time, and what stands for it in both texts before they are compared. Nothing else may differ.
VOLATILE = [
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "DATE"),
    (r"\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\b", "DATE"),
    (r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", "DATE"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "DATE"),
    (r"(\"PID\": ?)\d+", r"\1PID"),
    (r"(DATE )\[\d+\]", r"\1[PID]"),
    (r"\bprocess \d+", "process PID"),
    (r"\b\d+ \[sec\]", "N [sec]"),
    (r"(\"Seconds\":)\d+\.\d+", r"\1N"),
    (r"127\.0\.0\.1:\d{5}\b", "127.0.0.1:PORT"),  # of a client; those of servers have four digits in the documents
    (r"\bcurl/[\d.]+", "curl/VERSION"),
]


def steady(text, volatile=()):
    for pattern, replacement in [*VOLATILE, *volatile]:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def transcript(text):
    """[(command, what it prints)] of a console block. Its first two characters are the prompt, and a command goes on in the
    line below when it ends with \\."""
    steps, prompts = [], {"$ ", text[:2]} & {"$ ", "# "}
    for line in text.splitlines():
        if steps and steps[-1][0].endswith("\\"):
            steps[-1][0] += "\n" + line
        elif line[:2] in prompts:
            steps.append([line[2:], ""])
        else:
            assert steps, f"a console block begins with a command, not with {line!r}"
            steps[-1][1] += line + "\n"
    return [tuple(step) for step in steps]


class Documented(daemon.Daemon):
    """A daemon with the configuration of a document in place of one that a test composes."""

    def __init__(self, folder, text, file="httpd.cfg", options=()):
        self.text, self.name = text, file
        super().__init__(folder, options=options)

    def _start(self):
        self.file = Path(self.name)
        (self.folder / self.file).parent.mkdir(exist_ok=True)
        (self.folder / self.file).write_text(self.text)
        self.port = int(re.search(r'(?:"port", |http://127\.0\.0\.1:)(\d+)', self.text)[1])
        self._spawn()
        self.wait_log("listening on ", daemon.START_TIMEOUT)


def run_cfg(more=""):
    """examples/run.cfg, which `make run` serves, and lines behind it."""
    return (daemon.ROOT / "examples" / "run.cfg").read_text(encoding="utf-8") + more


class Sandbox:
    """A folder, what texts of the documents stand for in it, and what bash says to their commands."""

    def __init__(self, folder, places=()):
        self.folder = Path(folder)
        port = daemon.free_port()
        # Text of the document -> text of the sandbox.
        self.places = {"127.0.0.1:8888": f"127.0.0.1:{port}", "localhost:8888": f"localhost:{port}",
                       '"port", 8888': f'"port", {port}', "/tmp/opensips_fifo": f"{folder}/opensips_fifo",
                       "build/release/bin/opensips-httpd": str(daemon.BINARY), **dict(places)}
        self.prelude = ""
        self.volatile = []  # as VOLATILE
        self.programs = self.folder / "programs"
        self.programs.mkdir(exist_ok=True)
        # The real one where there is one.
        if shutil.which("opensips-cli") is None:
            shutil.copy(Path(__file__).with_name("opensips_cli.py"), self.programs / "opensips-cli")
            (self.programs / "opensips-cli").chmod(0o755)
        # Nobody sees curl's progress on a terminal either.
        (self.folder / ".curlrc").write_text("silent\nshow-error\n")
        (self.folder / ".opensips-cli.cfg").write_text(self.here("[default]\nfifo_file: /tmp/opensips_fifo\n"))

    def stub(self, *names):
        """Programs that only write down how they were called, into `calls`."""
        for name in names:
            file = self.programs / name
            # On one line, and what is written to them is read.
            file.write_text(f'#!/bin/sh\ncat > /dev/null\nprintf "%s\\n" "$(echo "{name} $*" | tr "\\n" " ")" >> "{self.folder}/calls"\n')
            file.chmod(0o755)

    def calls(self):
        """How they were called since the last time."""
        file = self.folder / "calls"
        text = file.read_text() if file.exists() else ""
        file.write_text("")
        return [line.strip() for line in text.splitlines()]

    def here(self, text):
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text

    def there(self, text):
        for there, here in self.places.items():
            text = text.replace(here, there)
        return text

    def bash(self, script, **settings):
        environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(self.folder),
                       "LC_ALL": "C.UTF-8"}
        # Without a terminal, what asks for a password takes it from standard input.
        return subprocess.run(["bash", "-uo", "pipefail", "-c", self.prelude + script], cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
                              env=environment, start_new_session=True, **{"input": "", **settings})

    def run(self, block, **settings):
        """The commands of a `sh` block must succeed."""
        done = self.bash("set -e\n" + self.here(block.text), **settings)
        assert done.returncode == 0, f"{block.key}:\n{done.stdout}"
        return self.there(done.stdout)

    def compare(self, block, **settings):
        """The commands of a `console` block succeed and print what stands there."""
        steps = transcript(block.text)
        mark = "--- end of a command: "
        script = "".join(f"{self.here(command)}\nstatus=$?; echo; echo '{mark}'$status\n" for command, _ in steps)
        done = self.bash(script, **settings)
        said = re.split(rf"\n?{re.escape(mark)}(\d+)\n", self.there(done.stdout))
        assert len(said) == 2 * len(steps) + 1, f"{block.key}: {done.stdout}"
        for (command, expected), output, status in zip(steps, said[::2], said[1::2]):
            assert status == "0", f"{block.key}: $ {command}\nended with {status}:\n{output}"
            printed, told = steady(output, self.volatile), steady(expected, self.volatile)
            assert printed == told, f"{block.key}: $ {command}\nprints\n{printed}\nand not\n{told}"

    def compare_log(self, block, log):
        """Each line of a `log` block is in this log."""
        lines = {steady(line, self.volatile) for line in self.there(log).splitlines()}
        for line in block.text.splitlines():
            assert steady(line, self.volatile) in lines, f"{block.key}: {line}\nis not in\n" + "\n".join(sorted(lines))


@contextlib.contextmanager
def folder():
    """A folder with a short name, for paths of Unix sockets."""
    made = tempfile.mkdtemp(prefix="httpd-docs-")
    yield Path(made)
    shutil.rmtree(made)
