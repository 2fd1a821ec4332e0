# docs/MIGRATION.md: its configurations are good, its commands do what it says, and its tables are those of the sources.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import shutil
import subprocess

import daemon
import opensips
import pytest
from waiting import wait_until

ROOT = daemon.ROOT
TEXT = (ROOT / "docs" / "MIGRATION.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.M | re.S)
CONFIGURATIONS = [body for kind, body in BLOCKS if kind == "cfg" and body.startswith("log_level = ")]
WITH_TREE = pytest.mark.skipif(opensips.TREE is None, reason="OPENSIPS_SOURCE_DIR is not set")


def section(heading, text=TEXT):
    found = re.search(rf"^###? {re.escape(heading)}\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert found, heading
    return found[1]


def tables(heading):
    """The rows of all tables of a section, as lists of cells, without their heads."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in section(heading).splitlines() if line.startswith("|")]
    return [row for i, row in enumerate(rows)
            if not row[0].startswith("---") and not (i + 1 < len(rows) and rows[i + 1][0].startswith("---"))]


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def curl_lines(heading):
    return [re.sub(r"\s+#.*", "", line) for kind, body in BLOCKS if kind == "sh" and body in section(heading)
            for line in body.splitlines() if line.startswith("curl ")]


def shell(command, port):
    return subprocess.run(["sh", "-c", command.replace(":8888", f":{port}")], capture_output=True, text=True, timeout=20,
                          check=False).stdout


def on_port(text, port):
    return re.sub(r'("port", )\d+', rf"\g<1>{port}", text)


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_configurations_are_good(text, tmp_path):
    file = tmp_path / "httpd.cfg"
    file.write_text(on_port(text, daemon.free_port()))
    done = daemon.run("-c", "-f", file)
    assert done.returncode == 0, done.stderr


def test_there_is_something_to_check():
    assert len(CONFIGURATIONS) == 2
    assert len(curl_lines("Before")) == 2 and len(curl_lines("Verify")) == 2


def test_the_worked_example_answers_as_the_table_says(tmp_path):
    (text,) = [text for text in CONFIGURATIONS if text in section("A worked example")]
    port = daemon.free_port()
    file = tmp_path / "httpd.cfg"
    file.write_text(on_port(text, port))
    with subprocess.Popen([daemon.BINARY, "-f", file], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "listening on" in process.stderr.readline()
            for command, _, here, _ in tables("A worked example"):
                assert shell(code(command)[0], port).startswith(code(here)[0]), command
        finally:
            process.terminate()
            process.stderr.read()


@pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed")
def test_kamailio_answers_as_the_table_says(tmp_path):
    (text,) = [body for _, body in BLOCKS if "event_route[xhttp:request] {" in body and "jsonrpc_dispatch" in body]
    port = daemon.free_port()
    file = tmp_path / "kamailio.cfg"
    file.write_text(text.replace(":8888", f":{port}"))
    command = ["kamailio", "-DD", "-E", "-f", file, "-w", tmp_path, "-Y", tmp_path, "-P", tmp_path / "pid"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: shell("curl -s http://127.0.0.1:8888/status", port) == "up\n", "no reply", 20)
            for command, theirs, *_ in tables("A worked example"):
                if re.fullmatch("`[^`]+`", theirs):
                    assert shell(code(command)[0], port).startswith(code(theirs)[0]), command
        finally:
            process.terminate()


def test_code_that_is_quoted_stands_in_the_example():
    (quoted,) = [body for kind, body in BLOCKS if kind == "cpp"]
    assert quoted in (ROOT / "examples" / "hello_cpp.cpp").read_text(encoding="utf-8")


def module_parameters():
    return set(re.findall(r"P\((\w+)\)", (ROOT / "src/opensips/parameter_lists.h").read_text(encoding="utf-8")))


def stock_parameters(release):
    """Those that the table says the stock module of a release has."""
    return {code(row[0])[0]: row for row in tables("Parameters of the stock module")
            if tuple(map(int, row[1].split("."))) <= release}


def test_parameters_that_are_named_are_those_of_the_module():
    assert len(stock_parameters((9, 9))) == 12
    assert set(stock_parameters((9, 9))) <= module_parameters()
    lines = [code(row[1])[0] for row in tables("What to turn on afterwards")]
    named = [re.fullmatch(r'modparam\("(\w+)", "(\w+)", (.+)\)', line).groups() for line in lines]
    assert {name for module, name, _ in named if module == "httpd"} <= module_parameters()


@WITH_TREE
def test_the_stock_table_is_that_of_the_trees_source():
    source = (opensips.TREE / "modules/httpd/httpd.c").read_text(encoding="utf-8", errors="replace")
    exported = re.search(r"param_export_t params\[\] = \{(.*?)\};", source, re.S)[1]
    there = dict(re.findall(r'\{"(\w+)",\s*\w+,\s*&(\w+)', exported))
    table = stock_parameters(opensips.number())
    assert set(there) == set(table)
    for name, variable in there.items():
        given = re.search(rf"^(?:str|int|unsigned int) {variable} = (?:\{{([^,;\n]+), \d+\}}|(\w+));", source, re.M)
        default = "NULL" if given is None else (given[1] or given[2])
        define = re.search(rf"^#define {re.escape(default)} (\d+)", source, re.M)
        default = define[1] if define else default
        told = table[name][2]
        if name == "ip":
            assert default == ("NULL" if opensips.number() < (4, 0) else '"127.0.0.1"')
        elif default == "NULL":
            assert told.startswith(("none", "0: ")), name
        else:
            assert told.replace("`", "") == default, name


def test_mi_commands_of_the_daemon(tmp_path):
    with daemon.Daemon(tmp_path, {"mi_http.so": {}}) as server:
        known = set(server.mi("which"))
    rows = [row for row in tables("RPC methods and MI commands") if len(row) == 4]
    assert len(rows) == 10
    for _, old, new, _ in rows:
        assert set(code(old) + code(new)) <= known, old


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = [(name, parameters) for name, parameters in (
        ("mi_http", {}), ("tm", {}), ("sl", {}), ("usrloc", {}), ("dialog", {}), ("signaling", {}),
        ("prometheus", {"statistics": ["all"], "group_mode": 1, "prefix": "kamailio"})) if opensips.is_built(name)]
    order = {"signaling": 0, "sl": 1, "tm": 2}
    modules.sort(key=lambda module: order.get(module[0], 9))
    with opensips.OpenSips(tmp_path_factory.mktemp("migration"), modules) as started:
        yield started


@WITH_TREE
def test_metrics_of_opensips(server):
    names = set(re.findall(r"^(\w+) ", server.ask("GET", "/metrics").body.decode(), re.M))
    loaded = re.compile("opensips_(core|shmem|sl|tm|usrloc|dialog)_")
    checked = 0
    for theirs, grouped, bare in tables("Metrics"):
        group = loaded.match(code(grouped)[0])[1]
        assert code(bare)[0] == code(grouped)[0].replace(f"{group}_", "", 1)
        if group not in ("core", "shmem") and not opensips.is_built(group):
            continue
        assert code(grouped)[0].replace("opensips", "kamailio", 1) in names, grouped
        checked += 1
    assert checked > 10


@WITH_TREE
def test_commands_before_and_after_the_swap(server):
    for heading in ("Before", "Verify"):
        call, count = curl_lines(heading)
        assert shell(call, server.port).startswith("HTTP/1.1 200 "), call
        # The series have another first word here, see above.
        assert int(shell(count.replace("^opensips_", "^kamailio_"), server.port)) > 10


@WITH_TREE
def test_names_of_mi_commands_in_opensips():
    files = [*(opensips.TREE / "mi").glob("*.c"), *(opensips.TREE / "modules").glob("*/*.c")]
    source = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    for row in tables("RPC methods and MI commands"):
        if len(row) == 3:
            assert f'"{code(row[1])[0]}"' in source, row


@WITH_TREE
def test_the_check_and_the_line_to_swap(tmp_path):
    line = next(line for kind, body in BLOCKS if kind == "sh" and "sed " in body
                for line in body.splitlines() if line.startswith("sed "))
    old, new = tmp_path / "opensips.cfg", tmp_path / "new.cfg"
    text = opensips.script({"ip": "127.0.0.1"}, [("mi_http", {})], daemon.free_port())
    old.write_text(text.replace(str(opensips.module()), "httpd.so"))
    command = line.replace("/etc/opensips/opensips.cfg", str(old)).replace("/tmp/new.cfg", str(new))
    subprocess.run(["sh", "-c", command.replace("/usr/local/lib/opensips-httpd/httpd.so", str(opensips.module()))],
                   check=True)
    assert new.read_text() == text
    done = subprocess.run([opensips.TREE / "opensips", "-C", "-f", new], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 0 and "config file ok, exiting..." in done.stdout + done.stderr, done


def test_where_kamailios_facts_are_from():
    told = section("From Kamailio's xhttp")
    assert "tag 6.1.4" in told and "5.6.3 of Debian 12" in " ".join(told.split())
    assert {"src/modules/xhttp/xhttp_mod.c", "src/core/core_cmd.c"} <= set(code(" ".join(told.split())))
