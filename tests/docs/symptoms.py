# docs/TROUBLESHOOTING.md as the tests read it: what it says is seen, and the scenarios that make it be seen for real.
# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import functools
import os
import re
import subprocess
import threading

import certificates
import daemon
import rawhttp

PAGE = daemon.ROOT / "docs" / "TROUBLESHOOTING.md"
ENTRY = re.compile(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", re.M | re.S)
PART = re.compile(r"^\*\*(Seen|Cause|Make sure|Remedy)\*\*: (.*?)(?=\n\n|\Z)", re.M | re.S)
PARTS = ["Seen", "Cause", "Make sure", "Remedy"]

# Title of an entry -> what provokes it: a function of a Place that returns what was seen.
SCENARIOS = {}


def entries(text):
    """Title -> part -> text, of each entry of the page."""
    return {title: dict(PART.findall(body)) for title, body in ENTRY.findall(text)}


def quoted(text):
    """What stands in backquotes, each with its lines joined."""
    return [" ".join(message.split()) for message in re.findall(r"`([^`]+)`", text)]


def pattern(message):
    """What a quoted message matches: `…` is anything, and numbers of four digits and more are examples."""
    exact = re.sub(r"\d{4,}", r"\\d+", re.escape(message).replace("…", ".*?"))
    return re.compile(exact.replace(r"\ ", " "), re.S)


def unseen(messages, text):
    """Those of the messages that do not stand in `text`."""
    text = " ".join(text.split())
    return [message for message in messages if not pattern(message).search(text)]


def shows(title):
    def register(scenario):
        assert title not in SCENARIOS, title
        SCENARIOS[title] = scenario
        return scenario

    return register


def titles(*modules):
    """Those of the page's entries whose scenarios are in these modules, in the page's order."""
    names = {module.__name__ for module in modules}
    return [title for title in entries(PAGE.read_text(encoding="utf-8"))
            if title in SCENARIOS and SCENARIOS[title].__module__ in names]


def check(title, folder, shared):
    """Provokes the symptom; all that the entry quotes under Seen must be seen."""
    messages = quoted(entries(PAGE.read_text(encoding="utf-8"))[title]["Seen"])
    assert messages, "nothing to look for"
    with Place(folder, shared) as place:
        seen = SCENARIOS[title](place)
        text = f"{seen}\n{place.log()}"
    assert unseen(messages, text) == [], text


def run(*command, timeout=20, **settings):
    """What a command printed, errors included, whether or not it succeeded."""
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL, check=False, **settings)
    return done.stdout


def curl(*arguments, **settings):
    return run("curl", "-sS", "-m", "10", *arguments, **settings)


def as_nobody(*command):
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *map(str, command)]


class Shared:
    """What takes a moment to make, and is made once where it is needed."""

    def __init__(self, folder):
        self.folder = folder

    @functools.cached_property
    def authority(self):
        return certificates.Authority(self.folder, "Test Authority")

    @functools.cached_property
    def certificate(self):
        return self.authority.issue()


class Place:
    """Where a scenario starts its daemons. Their logs count as seen; at the end they are killed."""

    def __init__(self, folder, shared):
        self.folder = folder
        self.shared = shared
        self.daemons = []
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for server in self.daemons:
            server.kill()
        return self._stack.__exit__(*exception)

    def enter(self, manager):
        """Enters a context that ends with the scenario."""
        return self._stack.enter_context(manager)

    def new_folder(self):
        folder = self.folder / f"{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return folder

    def start(self, modules=None, httpd=None, **settings):
        server = daemon.Daemon(self.new_folder(), modules or {"mi_http.so": {}}, httpd or {}, **settings)
        self.daemons.append(server)
        return server

    def refused(self, httpd, modules=None, options=(), before=()):
        """What a daemon says that does not start; `before` is a command that starts it."""
        file = self.new_folder() / "httpd.cfg"
        file.write_text(daemon.config({"httpd.so": {"ip": "127.0.0.1", **httpd}, **(modules or {})}))
        return run(*before, daemon.BINARY, "-f", file, *options)

    def checked(self, text):
        """What `-c` says about a configuration that is wrong."""
        file = self.new_folder() / "httpd.cfg"
        file.write_text(text)
        return run(daemon.BINARY, "-c", "-f", file)

    def log(self):
        return "\n".join(server.log() for server in self.daemons)

    def authority(self):
        return self.shared.authority

    def certificate(self):
        """That of localhost."""
        return self.shared.certificate


def url(server, path="/mi", scheme="http", host="127.0.0.1"):
    return f"{scheme}://{host}:{server.port}{path}"


def sent(server, message, **settings):
    """The reply to bytes on a connection of their own, as text."""
    with server.connect(**settings) as client:
        client.send(message)
        return shown(client.read_reply())


def shown(reply):
    return f"{reply.status} {reply.reason}\n{reply.body.decode('utf-8', 'replace')}\n"


def asked(server, *arguments, **settings):
    return sent(server, rawhttp.request(*arguments, **settings))


def at_once(*functions):
    """Runs them side by side, since most of each is waiting; returns what they return, joined."""
    results, threads = [""] * len(functions), []
    for number, function in enumerate(functions):
        def work(number=number, function=function):
            results[number] = function() or ""
        threads.append(threading.Thread(target=work))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return "\n".join(results)


def is_root():
    return os.geteuid() == 0
