# What `make install` puts where. SPDX-License-Identifier: GPL-2.0-or-later
import re

import daemon
import installation

PACKAGED = daemon.ROOT / "packaging"
DOCS = "share/doc/opensips-httpd"


def names(folder, prefix, pattern="*"):
    """The files of a folder of the sources, as paths below `prefix`."""
    root = daemon.ROOT / folder
    return {f"{prefix}/{path.relative_to(root)}" for path in root.rglob(pattern)
            if path.is_file() and "__pycache__" not in path.parts}


def expected():
    files = {
        "bin/opensips-httpd",
        f"{DOCS}/README.md",
        "etc/logrotate.d/opensips-httpd",
        "etc/opensips-httpd/opensips-httpd.cfg",
        "lib/systemd/system/opensips-httpd.service",
        "lib/systemd/system/opensips-httpd.socket",
        "share/bash-completion/completions/opensips-httpd",
        "share/man/man5/opensips-httpd.cfg.5",
        "share/man/man8/opensips-httpd.8",
        "share/opensips-httpd/grafana/opensips-httpd.json",
        "share/opensips-httpd/prometheus/alerts.yml",
        "share/opensips-httpd/prometheus/scrape.yml",
        "share/pkgconfig/opensips-httpd.pc",
    }
    files |= {f"{installation.MODULES}/{name}.so" for name in ("console", "mi_fifo", "mi_http", "prometheus")}
    files |= {f"share/cmake/opensips-httpd/opensips-httpd-{name}.cmake" for name in ("config", "config-version", "module")}
    files |= names("include/httpd", "include/httpd") | names("examples", f"{DOCS}/examples")
    files |= {name for name in names("docs", f"{DOCS}/docs") if "/benchmarks/" not in name}
    if installation.cache("OPENSIPS_SOURCE_DIR"):
        files.add("lib/opensips-httpd/opensips/httpd.so")
    return files


def test_these_files_and_no_others(installed):
    assert installed.files() == expected()


def test_the_daemon_reads_the_configuration_that_is_installed(installed):
    printed = installation.run(installed.binary, "-V")
    path = re.search(r"^configuration file: (.*)$", printed, re.M)[1]
    text = (installed.root / path.lstrip("/")).read_text()
    packaged = (PACKAGED / "config/opensips-httpd.cfg").read_text()
    assert text == packaged.replace("/etc/opensips-httpd", path.rpartition("/")[0])
    assert f"opensips-httpd -c -f {path} " in text
    assert f"modules: {installed.prefix / installation.MODULES}\n" in printed


def test_a_changed_configuration_stays(installed):
    kept = [installed.etc / name for name in ("opensips-httpd/opensips-httpd.cfg", "logrotate.d/opensips-httpd")]
    before = [file.read_text() for file in kept]
    for file in kept:
        file.write_text("changed\n")
    try:
        installed.install()
        assert [file.read_text() for file in kept] == ["changed\n"] * 2
    finally:
        for file, text in zip(kept, before):
            file.write_text(text)


def test_the_units_name_what_is_installed(installed):
    unit = (installed.prefix / "lib/systemd/system/opensips-httpd.service").read_text()
    program, config = re.search(r"^ExecStart=(\S+) -f (\S+)$", unit, re.M).groups()
    for path in (program, config):
        assert (installed.root / path.lstrip("/")).is_file(), path
