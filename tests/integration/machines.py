# The machines behind a balancer, each a daemon with the configuration of examples/scale/.
# SPDX-License-Identifier: GPL-2.0-or-later
import shutil

import credentials
import daemon
import namespaces

EXAMPLES = daemon.ROOT / "examples" / "scale"
NAMES = ["sip1", "sip2", "sip3"]
TOKEN = "0123456789abcdef0123456789abcdef"
RIGHTS = credentials.bearer(TOKEN)


def example(name, folder, **places):
    """The text of an example, with the files and folders of the system that it names in `folder`."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for place, replacement in places.items():
        assert place in text, f"{name} does not name {place}"
        text = text.replace(place, str(replacement))
    (folder / name).write_text(text)
    return folder / name


class Machine(daemon.Daemon):
    """A machine with the example's configuration, and with what clients of the tests ask for. Its folder has its name.
    It can be stopped and started again."""

    def __init__(self, folder, number, network, certificate, ticket_key):
        self.name, self.host, self.space = NAMES[number], namespaces.BEHIND[number], network.machines[number]
        files = folder / "files"
        files.mkdir()
        (files / "who").write_text(self.name)
        shutil.copy(certificate.file, folder / "server.pem")
        shutil.copy(certificate.key, folder / "server.key")
        (folder / "tickets.key").write_bytes(ticket_key)
        (folder / "tickets.key").chmod(0o600)
        (folder / "tokens").write_text(f"tests:{TOKEN}\n")
        (folder / "tokens").chmod(0o600)
        super().__init__(folder, runner=self.space.runner)

    def _start(self):
        self.file = example("opensips-httpd.cfg", self.folder, **{"/etc/opensips-httpd": self.folder})
        modules = {"files_cpp.so": {"directory": str(self.folder / "files")}, daemon.WORKER_PROBE: {}, daemon.CPP_PROBE: {},
                   "events_cpp.so": {}}
        self.file.write_text(self.file.read_text() + daemon.config(modules).partition("\n")[2])
        self.port = 8888
        self.start_again()

    def start_again(self):
        self._spawn()
        self.wait_log("listening on ", daemon.START_TIMEOUT)

    def connect(self, **settings):
        """From this machine, whatever is the matter with its cable."""
        with self.space.inside():
            return super().connect(host=self.host, **settings)

    def ask(self, *arguments, **settings):
        return super().ask(*arguments, RIGHTS, **settings)
