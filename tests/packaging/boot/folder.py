# The package's life in a folder with no systemd running: install, run, upgrade, remove, purge, install again.
# SPDX-License-Identifier: GPL-2.0-or-later
import re

import debian
from debian import PACKAGE, check

CONFIG = "etc/opensips-httpd/opensips-httpd.cfg"

# A configuration file that was changed, and differs in the package as well, is kept: nobody is there to be asked.
INSTALL = ("apt-get -qy --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "
           "install")

# As the service starts it: its user, its folders.
RUN = """
install -d -o opensips-httpd -g opensips-httpd -m 750 /run/opensips-httpd
install -d -o opensips-httpd -g opensips-httpd -m 1770 /run/opensips-httpd/replies
opensips-httpd -c
setpriv --reuid opensips-httpd --regid opensips-httpd --init-groups opensips-httpd 2>/packages/log &
for attempt in $(seq 100); do
  if curl -sf http://127.0.0.1:8888/health/ready; then break; fi
  sleep 0.1
done
curl -sf --json '{"jsonrpc":"2.0","method":"version","id":1}' http://127.0.0.1:8888/mi
curl -sf http://127.0.0.1:8888/metrics | grep -c httpd_requests_total
kill $!
wait $!
cat /packages/log
rm -r /run/opensips-httpd /packages/log
"""


def without_user(files):
    """The system's lists of users and groups without the daemon's: he stays, since files of his may be anywhere."""
    def text(path, entry):
        if path not in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"):
            return entry
        return (*entry[:3], re.sub(rb"^opensips-httpd:.*\n", b"", entry[3], flags=re.M))
    return {path: text(path, entry) for path, entry in files.items()}


def differences(before, after):
    return sorted([f"+ {path}" for path in after.keys() - before.keys()]
                  + [f"- {path}" for path in before.keys() - after.keys()]
                  + [f"! {path}" for path in before.keys() & after.keys() if before[path] != after[path]])


def check_running(system, what):
    text = system.run(RUN)
    check('"result":{"Server":' in text, f"{what}: the daemon runs as its user, and answers over HTTP")


def check_installed(system):
    system.run(f"dpkg --audit\ndpkg --verify {PACKAGE}")
    check(True, "dpkg finds nothing wrong with it")
    owned = set(system.run(f"dpkg -L {PACKAGE}").split())
    missing = [path for path in owned if not (system.root / path.lstrip("/")).exists()]
    check(not missing, f"its {len(owned)} files and folders are there" if not missing else f"missing: {missing}")
    for path in ("/usr/bin/opensips-httpd", "/lib/systemd/system/opensips-httpd.service", f"/{CONFIG}",
                 "/lib/systemd/system/opensips-httpd.socket", "/usr/share/bash-completion/completions/opensips-httpd",
                 "/etc/logrotate.d/opensips-httpd", "/usr/share/man/man8/opensips-httpd.8.gz",
                 "/usr/share/man/man5/opensips-httpd.cfg.5.gz", "/usr/lib/opensips-httpd/modules/mi_http.so"):
        check(path in owned, f"{path} is among them")
    conffiles = set(system.run(f"dpkg-query -W -f '${{Conffiles}}' {PACKAGE}").split()[::2])
    check(conffiles == {f"/{CONFIG}", "/etc/logrotate.d/opensips-httpd"}, "the configuration files are conffiles")
    user = system.run("getent passwd opensips-httpd").strip().split(":")
    check(user[6] in ("/usr/sbin/nologin", "/bin/false") and 0 < int(user[2]) < 1000, "it has a system user who cannot log in")


def live(packages):
    """All of it; the first thing that is not as it must be ends it."""
    system = debian.System("folder")
    package = packages[PACKAGE]
    system.install_dependencies(package)
    before = system.files()
    name = system.add(package)
    system.run(f"{INSTALL} {name}", network=True)
    check_installed(system)
    check_running(system, "installed")

    file, version = debian.newer(package, system.root / "packages")
    config = system.root / CONFIG
    config.write_text(config.read_text().replace('"port", 8888)', '"port", 8888)\nmodparam("httpd", "workers", 2)'))
    changed = config.read_text()
    system.run(f"{INSTALL} /packages/{file.name}", network=True)
    check(system.run(f"dpkg-query -W -f '${{Version}}' {PACKAGE}") == version, f"upgraded to {version}")
    check(config.read_text() == changed, "the upgrade keeps the configuration that was changed")
    check(f"# of version {version}" in (system.root / f"{CONFIG}.dpkg-dist").read_text(), "the new one lies beside it")
    check(f"# of version {version}" in (system.root / "etc/logrotate.d/opensips-httpd").read_text(),
          "a configuration file that was not changed is the new one")
    check_running(system, "upgraded, with handler processes")

    system.run(f"apt-get -qy remove {PACKAGE}")
    left = differences(without_user(before), without_user(system.files()))
    check(config.read_text() == changed, "removed: the configuration that was changed is kept")
    check(all(re.match(r"[+] (etc/opensips-httpd|etc/logrotate.d/opensips-httpd)|[+] .*/systemd/", path) for path in left),
          "and nothing else is")
    system.run(f"{INSTALL} {name}", network=True)
    check(config.read_text() == changed, "installed again: the configuration that was changed is in use")
    check_running(system, "installed again")

    system.run(f"apt-get -qy purge {PACKAGE}")
    left = differences(without_user(before), without_user(system.files()))
    check(not left, f"purged: {len(before)} files and folders are as before, and there is no other (but the system user stays)"
          if not left else f"purged, and this is left: {left}")
    system.run(f"{INSTALL} {name}", network=True)
    check_running(system, "installed after the purge")
