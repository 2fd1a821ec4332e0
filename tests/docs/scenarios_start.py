# Daemons that do not start, each for the reason that an entry of docs/TROUBLESHOOTING.md has.
# SPDX-License-Identifier: GPL-2.0-or-later
import os

import daemon
import folders
import pytest
from symptoms import as_nobody, is_root, run, shows

HTTPD = 'loadmodule "httpd.so"\n'


@shows("The port is taken")
def port_taken(place):
    first = place.start()
    return place.refused({"port": first.port})


@shows("An address that this machine does not have")
def foreign_address(place):
    return place.refused({"ip": "192.0.2.1", "port": daemon.free_port()})


@shows("A port below 1024")
def privileged_port(place):
    before = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"] if is_root() else []
    return place.refused({"port": 80}, before=before)


@shows("A line of the configuration is refused")
def bad_lines(place):
    return "".join(map(place.checked, (
        HTTPD + '# on line 3\nmodparam("httpd", "port", 0)\n', HTTPD + 'modparam("httpd", "prot", 1)\n',
        HTTPD + 'modparam("httpd", "port", "x")\n', HTTPD + 'modparam("mi_http", "root", "x")\n', "udp_workers=4\n")))


@shows("A module is not found")
def missing_module(place):
    # A shared object of this machine that is no module of this daemon, as those of OpenSIPS are.
    foreign = place.new_folder() / "mi_html.so"
    library = next(line.split()[2] for line in run("ldd", daemon.BINARY).splitlines() if "libfmt" in line)
    foreign.write_bytes(open(library, "rb").read())
    return place.checked(HTTPD + 'loadmodule "tm.so"\n') + place.checked(
        f'mpath="{foreign.parent}"\n' + HTTPD + 'loadmodule "mi_html.so"\n')


@shows("Two modules with one root path")
def same_root(place):
    return place.checked(HTTPD + 'modparam("httpd", "ip", "127.0.0.1")\nloadmodule "mi_http.so"\n'
                         'loadmodule "prometheus.so"\nmodparam("prometheus", "root", "mi")\n')


@shows("The key file is refused")
def bad_keys(place):
    good, other = place.certificate(), place.authority().issue()
    open_key = place.new_folder() / "server.key"
    open_key.write_bytes(good.key.read_bytes())
    open_key.chmod(0o644)
    return place.refused({"tls_cert_file": good.file, "tls_key_file": open_key}) + place.refused(
        {"tls_cert_file": good.file, "tls_key_file": other.key})


@shows("A file that the daemon's user cannot read")
def unreadable_file(place):
    if not is_root():
        pytest.skip("only root can start it as another user")
    with folders.public_folder(0o777) as folder:
        users = folder / "users"
        users.write_text("operator:" + run("openssl", "passwd", "-6", "x"))
        users.chmod(0o600)
        (folder / "httpd.cfg").write_text(daemon.config(
            {"httpd.so": {"ip": "127.0.0.1", "port": daemon.free_port(), "auth_file": users}}))
        refused = run(*as_nobody(daemon.BINARY, "-f", folder / "httpd.cfg"))
        place.start(httpd={"auth_file": users}, options=["-u", "nobody"])
        return refused


@shows("The FIFO or the socket of another daemon")
def taken_files(place):
    folder = place.new_folder()
    fifo, path, pid = {"fifo_name": folder / "fifo"}, f"unix:{folder}/socket", folder / "pid"
    place.start({"mi_http.so": {}, "mi_fifo.so": fifo}, {"listen": path, "port": daemon.free_port()}, options=["-P", pid])
    assert int(pid.read_text()) > 0
    return "".join((place.refused({"port": daemon.free_port()}, {"mi_fifo.so": fifo}), place.refused({"listen": path}),
                    place.refused({"port": daemon.free_port()}, options=["-P", pid])))


@shows("The folder of a socket is missing")
def missing_folder(place):
    return place.refused({"listen": f"unix:{os.path.join(place.folder, 'no', 'socket')}"})
