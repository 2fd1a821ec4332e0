# Compression of replies: who gets what, consent, conditions and ranges, streams in time, and clients that are slow or
# leave. SPDX-License-Identifier: GPL-2.0-or-later
import gzip
import json
import shutil
import subprocess
import time
import zlib
from pathlib import Path

import certificates
import daemon
import pytest
from downloads import PeakMemory
from rawhttp import BadReply, request
from test_parameters import check

MIB = 1 << 20
GZIP, ZSTD = "Accept-Encoding: gzip", "Accept-Encoding: zstd"


def numbers(size):
    """As in cpp_probe.cpp."""
    return "".join(f"{number}\n" for number in range(size // 2 + 1))[:size].encode()


def unzstd(data):
    return subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True, timeout=60).stdout


def decoded(reply):
    """The body as the client understands it; the coding must be whole and alone."""
    coding = reply.field("Content-Encoding", "identity")
    if coding == "gzip":
        return gzip.decompress(reply.body)
    return unzstd(reply.body) if coding == "zstd" else reply.body


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "a.txt").write_bytes(numbers(300_000))
    (folder / "short.txt").write_bytes(numbers(5000))
    (folder / "tiny.txt").write_bytes(numbers(1000))
    (folder / "a.png").write_bytes(numbers(5000))
    (folder / "words.txt").write_bytes(Path(__file__).read_bytes())
    with open(folder / "big.txt", "wb") as file:
        piece = numbers(MIB)
        for _ in range(100):
            file.write(piece)
    time.sleep(2.1)  # entity tags are strong from then on
    return folder


def modules(folder):
    return {"mi_http.so": {}, daemon.CPP_PROBE: {}, daemon.STREAM_PROBE: {}, "files_cpp.so": {"directory": folder}}


@pytest.fixture(scope="module", params=[0, 2], ids=["here", "workers"])
def server(request, tmp_path_factory, folder):
    """The root packed consents itself, files and probe by the parameter."""
    httpd = {"compress": ["files", "probe"], "workers": request.param}
    with daemon.Daemon(tmp_path_factory.mktemp("server"), modules(folder), httpd) as started:
        yield started


def figures(server):
    found = server.mi("get_statistics", {"statistics": ["httpd:"]})
    return [found[f"httpd:{name}"] for name in ("compressed_replies", "compression_bytes_in", "compression_bytes_out")]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("kind", ["string", "copy", "lent", "stream"])
@pytest.mark.parametrize("size", [1024, 5000, 32768, 32769, 3_000_000])
def test_a_reply_is_whole_and_shorter(server, kind, size, coding):
    before = figures(server)
    reply = server.ask("GET", f"/packed/{kind}/{size}", f"Accept-Encoding: {coding}")
    assert reply.field("Content-Encoding") == coding
    assert reply.tokens("Vary") == ["accept-encoding"]
    assert len(reply.body) < size * 0.6
    assert decoded(reply) == numbers(size)
    assert reply.framing == ("length" if size <= 32768 and kind != "stream" else "chunked")
    after = figures(server)
    assert [new - old for new, old in zip(after, before)] == [1, size, len(reply.body)]


@pytest.mark.parametrize("size, coded", [(0, False), (1023, False), (1024, True), (1025, True)])
def test_what_is_short_is_sent_as_it_is(server, size, coded):
    reply = server.ask("GET", f"/packed/string/{size}", GZIP)
    assert (reply.field("Content-Encoding") == "gzip") == coded
    assert bool(reply.tokens("Vary")) == coded
    assert decoded(reply) == numbers(size)


@pytest.mark.parametrize("accepted, coding", [
    ("gzip, deflate, br, zstd", "zstd"), ("gzip, deflate, br", "gzip"), ("x-gzip", "gzip"), ("*", "gzip"),
    ("zstd;q=0.1, gzip;q=0.2", "gzip"), ("identity, gzip;q=0.5", None), ("gzip;q=0", None), ("br", None), ("", None),
    ("gzip;q=7", None), ("gzip, \x80", None), ("identity;q=0, *;q=0.1", "gzip"), ("gzip;q=0.5;;;", "gzip"),
    ("," * 4000 + "zstd", "zstd")])
def test_the_client_chooses(server, accepted, coding):
    message = request("GET", "/packed/string/5000", "X: y").replace(b"X: y", b"Accept-Encoding: "
                                                                   + accepted.encode("latin-1"))
    with server.connect() as client:
        reply = client.ask(message)
    assert reply.status == 200
    assert reply.field("Content-Encoding") == coding
    assert reply.tokens("Vary") == ["accept-encoding"]
    assert decoded(reply) == numbers(5000)


def test_fields_of_several_lines_are_one_list(server):
    reply = server.ask("GET", "/packed/string/5000", "Accept-Encoding: gzip;q=0.5", "Accept-Encoding: zstd;q=0.4")
    assert reply.field("Content-Encoding") == "gzip"


def test_a_client_that_accepts_nothing_special(server):
    reply = server.ask("GET", "/packed/string/5000")
    assert reply.field("Content-Encoding") is None
    assert reply.tokens("Vary") == ["accept-encoding"], "others get something else"


@pytest.mark.parametrize("arguments", [
    "type=image/png", "type=text/event-stream", "type=application/zip", "status=404", "status=500",
    "field=Content-Encoding:br", "field=Cache-Control:max-age=1,%20no-transform", "field=Content-Digest:sha-256=:AA==:",
    "field=Content-Range:bytes%200-1/2"])
@pytest.mark.parametrize("kind", ["string", "stream"])
def test_what_stays_as_it_is(server, kind, arguments):
    reply = server.ask("GET", f"/packed/{kind}/5000?{arguments}", GZIP)
    assert reply.field("Content-Encoding") in (None, "br")
    assert reply.body == numbers(5000)
    assert not reply.tokens("Vary")


def test_a_handlers_fields_are_joined_with_ours(server):
    reply = server.ask("POST", "/packed/string/5000?status=201&field=Vary:Cookie&field=ETag:%22x%22"
                       "&field=Accept-Ranges:bytes&type=application/json", GZIP, body=b"")
    assert reply.status == 201
    assert reply.tokens("Vary") == ["cookie", "accept-encoding"]
    assert reply.field("ETag") == 'W/"x"'
    assert reply.field("Accept-Ranges") is None
    assert decoded(reply) == numbers(5000)


def test_vary_is_joined_with_that_of_cors(start, folder):
    rules = {"access": "root=packed; cors_origins=https://console.example"}
    reply = start(modules(folder), rules).ask("GET", "/packed/string/5000", GZIP, "Origin: https://console.example")
    assert reply.tokens("Vary") == ["origin", "accept-encoding"]
    assert reply.field("Access-Control-Allow-Origin") == "https://console.example"


@pytest.mark.parametrize("target", ["/packed/string/5000", "/packed/string/200000", "/packed/stream/5000",
                                    "/files/short.txt", "/files/a.txt", "/packed/string/100",
                                    "/packed/string/5000?type=image/png"])
def test_head_has_the_fields_of_get(server, target):
    with server.connect() as client:
        get = client.ask(request("GET", target, GZIP))
        head = client.ask(request("HEAD", target, GZIP), method="HEAD")
        again = client.ask(request("GET", target, GZIP))
    unknown = {"date"} | ({"content-length"} if get.field("Content-Encoding") else set())
    assert [field for field in head.fields if field[0] not in unknown] == [
        field for field in get.fields if field[0] not in unknown]
    assert head.body == b"" and decoded(again) == decoded(get)


@pytest.mark.parametrize("kind, size, coding", [("string", 5000, "gzip"), ("string", 32768, "gzip"),
                                                ("string", 32769, None), ("stream", 5000, None)])
def test_http_1_0(server, kind, size, coding):
    with server.connect() as client:
        reply = client.ask(request("GET", f"/packed/{kind}/{size}", GZIP, version="1.0"))
    assert reply.field("Content-Encoding") == coding
    assert decoded(reply) == numbers(size)


def test_pipelined_replies_stay_apart(server):
    with server.connect() as client:
        sizes = [5000, 200_000, 1024, 70_000, 10, 64_000]
        client.send(b"".join(request("GET", f"/packed/string/{size}", GZIP if size % 3 else ZSTD) for size in sizes))
        for size in sizes:
            assert decoded(client.read_reply()) == numbers(size)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_understands_it(server):
    for target, size in (("packed/string/5000", 5000), ("packed/lent/3000000", 3_000_000), ("files/a.txt", 300_000)):
        done = subprocess.run(["curl", "-sS", "--compressed", f"http://127.0.0.1:{server.port}/{target}"],
                              capture_output=True, check=True, timeout=30)
        assert done.stdout == numbers(size)


# Files: conditions and ranges

@pytest.mark.parametrize("name, size", [("a.txt", 300_000), ("short.txt", 5000)])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_file(server, name, size, coding):
    plain = server.ask("GET", f"/files/{name}")
    reply = server.ask("GET", f"/files/{name}", f"Accept-Encoding: {coding}")
    assert reply.field("Content-Encoding") == coding
    assert decoded(reply) == plain.body == numbers(size)
    assert plain.field("Accept-Ranges") == "bytes" and reply.field("Accept-Ranges") is None
    assert reply.field("ETag") == "W/" + plain.field("ETag"), "the bytes differ"
    assert reply.field("Last-Modified") == plain.field("Last-Modified")
    assert reply.tokens("Vary") == plain.tokens("Vary") == ["accept-encoding"]


def test_types_and_sizes_of_files(server):
    for name, size in (("a.png", 5000), ("tiny.txt", 1000)):
        reply = server.ask("GET", f"/files/{name}", GZIP)
        assert reply.field("Content-Encoding") is None and reply.body == numbers(size)
        assert reply.field("ETag").startswith('"') and reply.field("Accept-Ranges") == "bytes"


def test_conditions_know_both_forms_of_a_tag(server):
    plain = server.ask("GET", "/files/a.txt").field("ETag")
    weak = server.ask("GET", "/files/a.txt", GZIP).field("ETag")
    for tag in (plain, weak, f'"other", {weak}'):
        reply = server.ask("GET", "/files/a.txt", GZIP, f"If-None-Match: {tag}")
        assert reply.status == 304 and reply.body == b""
        assert reply.field("ETag") == (plain if tag == plain else weak), "the form that the client has"
        assert reply.tokens("Vary") == ["accept-encoding"]
        assert reply.field("Content-Encoding") is None
    assert server.ask("GET", "/files/a.txt", f"If-None-Match: {weak}").field("ETag") == plain
    assert server.ask("GET", "/files/a.txt", GZIP, f"If-Match: {plain}").status == 200
    assert server.ask("GET", "/files/a.txt", GZIP, f"If-Match: {weak}").status == 412


def test_a_range_is_never_one_of_compressed_bytes(server):
    plain = server.ask("GET", "/files/a.txt").field("ETag")
    weak = server.ask("GET", "/files/a.txt", GZIP).field("ETag")
    for name in ("If-Range: " + plain, "X: y"):
        reply = server.ask("GET", "/files/a.txt", GZIP, "Range: bytes=100-199", name)
        assert reply.status == 206 and reply.field("Content-Encoding") is None
        assert reply.body == numbers(300_000)[100:200]
        assert reply.field("ETag") == plain
        assert reply.tokens("Vary") == ["accept-encoding"]
    reply = server.ask("GET", "/files/a.txt", GZIP, "Range: bytes=100-199", "If-Range: " + weak)
    assert reply.status == 200 and decoded(reply) == numbers(300_000), "who has a part of the other form begins anew"
    several = server.ask("GET", "/files/a.txt", GZIP, "Range: bytes=0-9,1000-1009")
    assert several.status == 206 and several.field("Content-Encoding") is None
    assert server.ask("GET", "/files/a.txt", GZIP, "Range: bytes=900000-").status == 416


def test_short_requests_are_answered_while_a_long_file_is_compressed(server):
    before = figures(server)
    with server.connect(timeout=120) as client:
        client.send(request("GET", "/files/big.txt", GZIP))
        assert client.read_head().field("Content-Encoding") == "gzip"
        answered, expand = 0, zlib.decompressobj(31)
        body = b""
        while figures(server)[1] - before[1] < 20 * MIB:
            assert server.ask("GET", "/packed/string/10").body == numbers(10)
            answered += 1
            body += client.receive(5)
        assert answered > 5
        client.buffer += body
        # The whole of it, without holding it.
        chunks, size, piece = client._chunks(time.monotonic() + 120), 0, numbers(MIB)
        text = expand.decompress(chunks) + expand.flush()
        size = len(text)
        assert expand.eof and size == 100 * MIB
        assert text == piece * 100
    assert figures(server)[1] - before[1] == 100 * MIB


# Streams

@pytest.mark.parametrize("kind", ["/wait", "/later"])
def test_a_pause_holds_nothing_back(server, kind):
    if server.given["workers"]:
        pytest.skip("each handler process has a bell of its own")
    with server.connect() as client:
        client.send(request("GET", "/probe" + kind, GZIP))
        assert client.read_head().field("Content-Encoding") == "gzip"
        expand, text = zlib.decompressobj(31), b""
        for round_number in range(5):
            server.ask("POST", "/probe", body=b"")
            deadline = time.monotonic() + 5
            while text.count(b"rung\n") <= round_number:
                line = client._line(deadline, "chunk")
                text += expand.decompress(client.read_exactly(int(line, 16), deadline))
                client.read_exactly(2, deadline)
        client.reset()


@pytest.mark.parametrize("kind, complete", [("/end", True), ("/broken", False)])
def test_how_a_stream_ends(server, kind, complete):
    if server.given["workers"]:
        pytest.skip("each handler process has a bell of its own")
    with server.connect() as client:
        client.send(request("GET", "/probe" + kind, GZIP))
        head = client.read_head()
        assert head.field("Content-Encoding") == "gzip"
        for _ in range(2):
            server.ask("POST", "/probe", body=b"")
        if complete:
            assert gzip.decompress(client._chunks(time.monotonic() + 5)) == b"rung\n"
        else:
            with pytest.raises((BadReply, ConnectionResetError)):
                client._chunks(time.monotonic() + 5)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_long_stream_is_whole(server, coding):
    size = 8 * MIB
    reply = server.ask("GET", f"/probe/numbers/{size}", f"Accept-Encoding: {coding}")
    assert reply.field("Content-Encoding") == coding
    assert decoded(reply) == b"".join(number.to_bytes(8, "little") for number in range(0, size, 8))


def test_a_slow_client_gets_all_of_it(server):
    with server.connect(timeout=60) as client:
        client.send(request("GET", "/packed/lent/3000000", GZIP))
        for _ in range(40):
            client.buffer += client.socket.recv(100)
            time.sleep(0.01)
        assert gzip.decompress(client.read_reply().body) == numbers(3_000_000)


def test_a_client_that_leaves_frees_its_place(start, folder):
    server = start(modules(folder), {"compress": "files, probe", "max_compressed_streams": 1, "workers": 0})
    for _ in range(3):
        with server.connect() as client:
            client.send(request("GET", "/probe/wait", GZIP))
            assert client.read_head().field("Content-Encoding") == "gzip"
            assert server.ask("GET", "/files/a.txt", GZIP).field("Content-Encoding") is None, "there is one place"
            assert server.ask("GET", "/files/short.txt", GZIP).field("Content-Encoding") == "gzip"
            client.reset()
        deadline = time.monotonic() + 5
        while (reply := server.ask("GET", "/files/a.txt", GZIP)).field("Content-Encoding") is None:
            assert time.monotonic() < deadline
        assert decoded(reply) == numbers(300_000)


def test_a_long_file_takes_no_memory(start, folder):
    server = start(modules(folder), {"compress": "files", "workers": 0})
    assert server.ask("GET", "/files/a.txt", GZIP).status == 200
    with server.connect(timeout=120) as client, PeakMemory(server.pids("HTTPD")[0]) as memory:
        client.send(request("GET", "/files/big.txt", ZSTD))
        client.read_head()
        client._chunks(time.monotonic() + 120)
    assert memory.grown < 4096, "KiB"


def test_over_tls(start, folder, ec):
    server = start(modules(folder), {"compress": "files", **certificates.parameters(ec)})
    for target, size in (("/files/a.txt", 300_000), ("/packed/string/5000", 5000), ("/packed/stream/70000", 70_000)):
        reply = server.ask("GET", target, GZIP)
        assert reply.field("Content-Encoding") == "gzip" and decoded(reply) == numbers(size)


# Consent

def test_nothing_is_compressed_without_consent(start, folder):
    server = start(modules(folder))
    for target in ("/files/a.txt", "/large/5000", "/probe/numbers/80000", "/describe?a=" + "x" * 2000):
        reply = server.ask("GET", target, "Accept-Encoding: gzip, zstd")
        assert reply.field("Content-Encoding") is None
        assert "accept-encoding" not in reply.tokens("Vary")
    assert server.ask("GET", "/packed/string/5000", GZIP).field("Content-Encoding") == "gzip", "this handler consents"


def which(server):
    call = json.dumps({"jsonrpc": "2.0", "method": "list_statistics", "id": 1}).encode()
    reply = server.ask("POST", "/mi", GZIP, "Content-Type: application/json", body=call)
    assert reply.status == 200
    return reply


def test_the_management_interface_is_not_compressed_unless_told_so(start, folder):
    parameters = {"compress_min_size": 100}
    reply = which(start(modules(folder), parameters))
    assert len(reply.body) > 500 and reply.field("Content-Encoding") is None and not reply.tokens("Vary")
    reply = which(start(modules(folder), {**parameters, "compress": "mi"}))
    assert reply.field("Content-Encoding") == "gzip"
    assert json.loads(decoded(reply))["result"]


def test_every_root_may_be_told_to_consent(start, folder):
    server = start(modules(folder), {"compress": "*"})
    for target in ("/files/a.txt", "/large/5000", "/probe/numbers/80000", "/packed/string/5000"):
        assert server.ask("GET", target, GZIP).field("Content-Encoding") == "gzip"


def test_it_can_be_turned_off(start, folder):
    server = start(modules(folder), {"compress": "*", "compress_min_size": 0})
    reply = server.ask("GET", "/packed/string/5000", GZIP)
    assert reply.field("Content-Encoding") is None and not reply.tokens("Vary")
    assert reply.body == numbers(5000)


def test_a_module_in_c_is_compressed_where_the_administrator_says_so(start):
    server = start({"hello_c.so": {}}, {"compress": "hello", "compress_min_size": 1})
    reply = server.ask("GET", "/hello", GZIP)
    assert reply.status == 200 and reply.tokens("Vary") == ["accept-encoding"]


def test_levels_differ_in_length(start, folder):
    lengths = []
    for level in (1, 6):
        server = start(modules(folder), {"compress": "files", "compress_level": level})
        reply = server.ask("GET", "/files/words.txt", GZIP)
        assert decoded(reply) == Path(__file__).read_bytes()
        lengths.append(len(reply.body))
    assert lengths[1] < lengths[0]


@pytest.mark.parametrize("value, complaint", [
    ("", "has an empty name in its list of roots"), ("mi,,files", "has an empty name"),
    ("metrics", 'compress: there is no root path "metrics"; the roots are: mi'),
    ("mi/x", 'there is no root path "mi/x"')])
def test_a_bad_list_of_roots_refuses_the_start(tmp_path, value, complaint):
    done = check(tmp_path, {"compress": value}, {"mi_http.so": {}})
    assert done.returncode == 255
    assert complaint in done.stderr


@pytest.mark.parametrize("value", ["mi", " /mi/ ", "*", "mi, *"])
def test_good_lists_of_roots(tmp_path, value):
    assert check(tmp_path, {"compress": value}, {"mi_http.so": {}}).returncode == 0
