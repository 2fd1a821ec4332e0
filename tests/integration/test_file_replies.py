# Replies from files: conditions, ranges, resuming, huge files, and files that change while they are sent.
# SPDX-License-Identifier: GPL-2.0-or-later
import concurrent.futures
import email
import hashlib
import os
import subprocess
import time

import certificates
import daemon
import downloads
import pytest
from downloads import PeakMemory, is_sanitized
from rawhttp import BadReply, request

TEXT = bytes(range(256)) * 400  # 102400 bytes
SIZE = len(TEXT)
OLD = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
HUGE = 1 << 30


def make_huge(path, size=HUGE):
    """A file that takes hardly any room, with numbers here and there so that a shift would show."""
    with open(path, "wb") as file:
        file.truncate(size)
        for place in (*range(0, size, 10_000_019), size - 8):
            file.seek(place)
            file.write(place.to_bytes(8, "big"))


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "a.bin").write_bytes(TEXT)
    (folder / "small.txt").write_bytes(b"0123456789")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "index.html").write_bytes(b"<p>index</p>")
    (folder / "sub").mkdir()
    (folder / "sub" / "page.html").write_bytes(b"<p>page</p>")
    for name in ("a.bin", "small.txt", "empty.txt"):
        os.utime(folder / name, (OLD, OLD))
    make_huge(folder / "huge.bin")
    # Entity tags are strong once a file was left alone for two seconds.
    time.sleep(2.1)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, folder):
    modules = {"mi_http.so": {}, "files_cpp.so": {"directory": folder}}
    with daemon.Daemon(tmp_path_factory.mktemp("server"), modules, httpd={"send_timeout": 2}) as started:
        yield started


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory, folder):
    certificate = certificates.Authority(tmp_path_factory.mktemp("authority"), "Files").issue()
    modules = {"mi_http.so": {}, "files_cpp.so": {"directory": folder}}
    httpd = {"send_timeout": 2, "tls_cert_file": certificate.file, "tls_key_file": certificate.key}
    with daemon.Daemon(tmp_path_factory.mktemp("tls_server"), modules, httpd=httpd) as started:
        yield started


@pytest.fixture
def client(server):
    with server.connect() as connected:
        yield connected


def curl(*arguments):
    return subprocess.run(["curl", "-sS", *map(str, arguments)], capture_output=True, check=True, timeout=60).stdout


def url(server, name):
    return f"http://127.0.0.1:{server.port}/files/{name}"


def get(client, name, *fields, method="GET"):
    return client.ask(request(method, f"/files/{name}", *fields), method=method)


def test_the_whole_file(client):
    reply = get(client, "a.bin")
    assert (reply.status, reply.body) == (200, TEXT)
    assert reply.field("Content-Type") == "application/octet-stream"
    assert reply.field("Last-Modified") == DATE
    assert reply.field("Accept-Ranges") == "bytes"
    assert reply.field("ETag").startswith('"')
    head = get(client, "a.bin", method="HEAD")
    assert (head.status, head.field("Content-Length"), head.body) == (200, str(SIZE), b"")
    assert head.field("ETag") == reply.field("ETag")
    assert get(client, "small.txt").body == b"0123456789"
    assert get(client, "empty.txt").body == b""
    assert get(client, "").body == b"<p>index</p>"
    assert get(client, "sub/page.html").field("Content-Type") == "text/html; charset=utf-8"


def test_a_file_that_was_just_written_has_a_weak_tag(client, folder):
    (folder / "fresh.txt").write_bytes(b"fresh")
    assert get(client, "fresh.txt").field("ETag").startswith('W/"')
    etag = get(client, "fresh.txt").field("ETag")
    assert get(client, "fresh.txt", "Range: bytes=0-1", f"If-Range: {etag}").status == 200
    assert get(client, "fresh.txt", f"If-None-Match: {etag}").status == 304


def test_http_1_0(server):
    with server.connect() as client:
        reply = client.ask(request("GET", "/files/a.bin", "Connection: keep-alive", version="1.0"))
        assert reply.body == TEXT
        assert client.ask(request("GET", "/files/a.bin", version="1.0")).body == TEXT
        client.assert_closed()


def test_curl_asks_for_ranges(server):
    name = url(server, "a.bin")
    assert curl("-r", "0-99", name) == TEXT[:100]
    assert curl("-r", "-100", name) == TEXT[-100:]
    assert curl("-r", "100000-", name) == TEXT[100000:]


@pytest.mark.parametrize(("asked", "first", "last"), [
    ("0-0", 0, 0), ("0-99", 0, 99), ("50000-", 50000, SIZE - 1), ("-1", SIZE - 1, SIZE - 1),
    ("-999999999", 0, SIZE - 1), (f"{SIZE - 1}-999999999999999999999999", SIZE - 1, SIZE - 1), ("10-19,20-29", 10, 29),
])
def test_one_range(client, asked, first, last):
    reply = get(client, "a.bin", f"Range: bytes={asked}")
    assert (reply.status, reply.body) == (206, TEXT[first:last + 1])
    assert reply.field("Content-Range") == f"bytes {first}-{last}/{SIZE}"
    assert reply.field("Content-Length") == str(last - first + 1)
    assert reply.field("ETag")


@pytest.mark.parametrize("asked", [f"{SIZE}-", "999999999999999999999999-", "-0"])
def test_ranges_that_are_not_there(client, asked):
    reply = get(client, "a.bin", f"Range: bytes={asked}")
    assert (reply.status, reply.field("Content-Range")) == (416, f"bytes */{SIZE}")
    assert get(client, "a.bin").status == 200


@pytest.mark.parametrize("field", ["Range: bytes=5-4", "Range: lines=1-2", "Range: bytes=x", "Range: bytes",
                                   "Range: bytes=" + ",".join(f"{i}-{i}" for i in range(0, 200, 2))])
def test_ranges_that_are_ignored(client, field):
    reply = get(client, "a.bin", field)
    assert (reply.status, len(reply.body)) == (200, SIZE)


def test_a_range_is_for_get_alone(client):
    reply = get(client, "a.bin", "Range: bytes=0-0", method="HEAD")
    assert (reply.status, reply.field("Content-Length")) == (200, str(SIZE))


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_several_ranges(server, version):
    with server.connect() as client:
        reply = client.ask(request("GET", "/files/a.bin", "Range: bytes=70000-,0-0,100-40099", version=version))
        assert reply.status == 206
        kind = reply.field("Content-Type")
        assert kind.startswith("multipart/byteranges; boundary=")
        message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + reply.body)
        parts = [(part["Content-Type"], part["Content-Range"]) for part in message.get_payload()]
        expected = [(70000, SIZE), (0, 1), (100, 40100)]
        assert parts == [("application/octet-stream", f"bytes {first}-{end - 1}/{SIZE}") for first, end in expected]
        # The email package changes line ends in what it takes for text, so the bytes are cut out by hand.
        boundary = kind.partition("=")[2].encode()
        bodies = [piece.partition(b"\r\n\r\n")[2] for piece in reply.body.split(b"--" + boundary)[1:-1]]
        assert bodies == [TEXT[first:end] + b"\r\n" for first, end in expected]
        assert reply.body.endswith(b"--" + boundary + b"--\r\n")


def test_a_download_is_resumed(server, folder, tmp_path):
    name, part = url(server, "a.bin"), tmp_path / "part"
    part.write_bytes(TEXT[:60000])
    subprocess.run(["curl", "-sS", "-C", "-", "-o", part, name], check=True, timeout=60)
    assert part.read_bytes() == TEXT
    # A client that kept the tag gets the rest as long as the file is the same, and else the whole of the new one.
    copy = folder / "resumed.bin"
    copy.write_bytes(TEXT)
    time.sleep(2.1)
    with server.connect() as client:
        etag = get(client, "resumed.bin").field("ETag")
        assert get(client, "resumed.bin", "Range: bytes=5-", f"If-Range: {etag}").status == 206
        copy.write_bytes(TEXT[::-1])
        reply = get(client, "resumed.bin", "Range: bytes=5-", f"If-Range: {etag}")
        assert (reply.status, reply.body) == (200, TEXT[::-1])


@pytest.mark.parametrize(("fields", "status"), [
    (["If-Match: {etag}"], 200),
    (["If-Match: *"], 200),
    (['If-Match: "other"'], 412),
    (["If-Match: W/{etag}"], 412),
    ([f"If-Unmodified-Since: {DATE}"], 200),
    ([f"If-Unmodified-Since: {EARLIER}"], 412),
    (["If-Match: {etag}", f"If-Unmodified-Since: {EARLIER}"], 200),
    (["If-None-Match: {etag}"], 304),
    (["If-None-Match: W/{etag}"], 304),
    (['If-None-Match: "other", {etag}'], 304),
    (["If-None-Match: *"], 304),
    (['If-None-Match: "other"'], 200),
    ([f"If-Modified-Since: {DATE}"], 304),
    (["If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"], 304),
    (["If-Modified-Since: Sun Nov  6 08:49:37 1994"], 304),
    ([f"If-Modified-Since: {EARLIER}"], 200),
    (['If-None-Match: "other"', f"If-Modified-Since: {DATE}"], 200),
    (["If-Match: {etag}", "If-None-Match: {etag}"], 304),
    (["Range: bytes=0-9", "If-Range: {etag}"], 206),
    (["Range: bytes=0-9", f"If-Range: {DATE}"], 206),
    (["Range: bytes=0-9", 'If-Range: "other"'], 200),
    (["Range: bytes=0-9", f"If-Range: {EARLIER}"], 200),
    (["Range: bytes=0-9", "If-None-Match: {etag}"], 304),
])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(client, method, fields, status):
    etag = get(client, "a.bin", method="HEAD").field("ETag")
    reply = get(client, "a.bin", *(field.format(etag=etag) for field in fields), method=method)
    assert reply.status == (200 if (method, status) == ("HEAD", 206) else status)
    if status == 304:
        assert (reply.field("ETag"), reply.field("Last-Modified"), reply.body) == (etag, None, b"")
    elif method == "GET":
        assert reply.body == {200: TEXT, 206: TEXT[:10], 412: b"Precondition failed\n"}[status]


def test_what_is_not_served(client, folder):
    (folder.parent / "outside.txt").write_text("secret")
    (folder / ".hidden").write_text("secret")
    (folder / "out").symlink_to("../outside.txt")
    (folder / "in").symlink_to("small.txt")
    os.mkfifo(folder / "fifo")
    for name in ("out", ".hidden", "fifo", "sub", "sub/", "absent", "small.txt/x", "/etc/passwd", "x" * 300):
        assert get(client, name).status == 404, name
    assert get(client, "in").body == b"0123456789", "a link that stays inside"
    assert get(client, "../outside.txt").status == 400


def download(server, size, trickle=0):
    return downloads.download(server, "/files/huge.bin", size, ("/files/small.txt", b"0123456789"), trickle)


@pytest.fixture(scope="module")
def digest(folder):
    return sha256(folder / "huge.bin")


@pytest.mark.parametrize("kind", ["http", "https"])
def test_a_huge_file_costs_no_memory(request, kind, digest):
    server = request.getfixturevalue("server" if kind == "http" else "tls_server")
    assert server.ask("GET", "/files/a.bin").body == TEXT
    (pid,) = server.pids("HTTPD")
    with PeakMemory(pid) as memory:
        assert download(server, HUGE, trickle=20) == digest
    print(f"{memory.grown} KiB")
    if not is_sanitized():  # which keeps what was freed
        assert memory.grown < 4096


@pytest.mark.parametrize("kind", ["http", "https"])
def test_eight_at_once(request, tmp_path_factory, folder, kind):
    server = request.getfixturevalue("server" if kind == "http" else "tls_server")
    size = 32 << 20
    (pid,) = server.pids("HTTPD")
    whole = folder / "huge.bin"
    kept = folder / "kept.bin"
    whole.rename(kept)
    try:
        make_huge(whole, size)
        expected = sha256(whole)
        with PeakMemory(pid) as memory, concurrent.futures.ThreadPoolExecutor(8) as pool:
            digests = list(pool.map(lambda _: download(server, size, trickle=3), range(8)))
    finally:
        kept.rename(whole)
    assert set(digests) == {expected}
    print(f"{memory.grown} KiB")
    if not is_sanitized():
        assert memory.grown < 4096


def test_others_are_served_meanwhile(server):
    with downloads.connect(server) as greedy:
        greedy.sendall(request("GET", "/files/huge.bin"))
        greedy.recv(1000)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            def drain():
                left = HUGE // 2
                buffer = bytearray(1 << 20)
                while left > 0:
                    left -= greedy.recv_into(buffer)

            draining = pool.submit(drain)
            slowest = 0.0
            while not draining.done():
                started = time.monotonic()
                assert server.ask("GET", "/files/small.txt").body == b"0123456789"
                slowest = max(slowest, time.monotonic() - started)
            draining.result()
    assert slowest < 1.0


@pytest.mark.parametrize("kind", ["http", "https"])
def test_a_file_that_is_truncated_cuts_the_connection(request, folder, kind):
    server = request.getfixturevalue("server" if kind == "http" else "tls_server")
    victim = folder / "victim.bin"
    make_huge(victim, 64 << 20)
    mark = server.mark()
    with server.connect() as client:
        client.send(b"GET /files/victim.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.read_head()
        os.truncate(victim, 40 << 20)
        with pytest.raises((BadReply, ConnectionResetError)):
            client.read_exactly(64 << 20, time.monotonic() + 20)
    server.wait_log("a file of root files became shorter", since=mark)
    assert server.ask("GET", "/files/small.txt").status == 200


@pytest.mark.parametrize("kind", ["http", "https"])
def test_a_client_that_stops_reading_is_cut(request, kind):
    server = request.getfixturevalue("server" if kind == "http" else "tls_server")
    mark = server.mark()
    (pid,) = server.pids("HTTPD")

    def open_files():
        names = []
        for entry in os.listdir(f"/proc/{pid}/fd"):
            try:
                names.append(os.readlink(f"/proc/{pid}/fd/{entry}"))
            except FileNotFoundError:
                continue
        return sum(name.endswith("huge.bin") for name in names)

    with downloads.connect(server, buffer=4096) as client:
        client.sendall(b"GET /files/huge.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.recv(1000)
        assert open_files() == 1
        line = server.wait_log("took no byte of its reply for 2 s", timeout=10, since=mark)
        assert "send_timeout" in line
        deadline = time.monotonic() + 2  # the line is written just before
        while open_files() > 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_statistics_count_bytes(server):
    def sent():
        return int(server.mi("get_statistics", [["httpd:bytes_sent"]])["httpd:bytes_sent"])

    before = sent()
    server.ask("GET", "/files/a.bin")
    assert SIZE <= sent() - before < SIZE + 4096
