# The management interface over FIFOs, as opensips-cli uses it: requests, replies, and the files that are not trusted.
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import select
import signal
import stat
import time

import daemon
import pytest
from rawhttp import PAUSE

REQUEST = '{"jsonrpc":"2.0","method":"pwd","id":%d}'


class Fifo:
    """The client's side: a folder with the server's FIFO and those made for replies."""

    def __init__(self, server, folder):
        self.server = server
        self.folder = folder
        self.path = folder / "fifo"
        self.count = 0

    def reply_file(self):
        self.count += 1
        path = self.folder / f"reply_{self.count}"
        os.mkfifo(path, 0o600)
        return path

    def has_reader(self):
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def write(self, text, fragment=None):
        """Writes to the server's FIFO, which must have a reader; in pieces of `fragment` bytes where it is set."""
        data = text.encode() if isinstance(text, str) else text
        descriptor = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            for start in range(0, len(data), fragment or len(data)):
                os.write(descriptor, data[start : start + (fragment or len(data))])
                if fragment:
                    time.sleep(PAUSE)
        finally:
            os.close(descriptor)

    @staticmethod
    def open(path):
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    @staticmethod
    def assert_nothing_comes(descriptor):
        """Nobody has a reply FIFO open for writing any more, and nobody has written."""
        found = []

        def look():
            try:
                found.append(os.read(descriptor, 100))
            except BlockingIOError:  # it is open still
                return False
            return True

        wait_for(look)
        assert found == [b""]

    @staticmethod
    def read(descriptor, timeout=5.0):
        """Reads from a reply FIFO until its writer closes it, and closes the descriptor."""
        data, deadline = b"", time.monotonic() + timeout
        # Before it had a writer a FIFO reads as ended: poll() tells when there is, or was, one.
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        try:
            while True:
                assert poller.poll(max(0, (deadline - time.monotonic()) * 1000)), f"no whole reply; so far {data!r}"
                piece = os.read(descriptor, 65536)
                if not piece:
                    return data
                data += piece
        finally:
            os.close(descriptor)

    def ask(self, text, fragment=None):
        path = self.reply_file()
        try:
            self.write(f":{path.name}:{text}", fragment)
            return json.loads(self.read(self.open(path)))
        finally:
            path.unlink()

    def assert_serves(self):
        assert self.ask(REQUEST % 1)["result"] == {"WD": str(self.server.folder)}


@pytest.fixture(scope="module")
def fifo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fifos")
    parameters = {"fifo_name": folder / "fifo", "reply_dir": str(folder) + "/"}
    with daemon.Daemon(tmp_path_factory.mktemp("mi_fifo"), {"mi_http.so": {}, "mi_fifo.so": parameters}) as server:
        opened = Fifo(server, folder)
        wait_for(opened.path.exists)
        yield opened


def wait_for(condition, timeout=5.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize("fragment", [None, 1, 2, 3, 7, 64])
def test_a_request_is_answered_however_its_bytes_come(fifo, fragment):
    answered = fifo.ask(REQUEST % 42, fragment)
    assert answered == {"jsonrpc": "2.0", "result": {"WD": str(fifo.server.folder)}, "id": 42}


def test_the_reply_is_the_same_as_over_http(fifo):
    answered = fifo.ask('{"jsonrpc":"2.0","method":"httpd_list_root_path","id":1}')
    assert answered["result"] == fifo.server.mi("httpd_list_root_path")


def test_white_space_around_requests(fifo):
    path = fifo.reply_file()
    fifo.write(f"\n \t:{path.name}: \n{REQUEST % 1}\n\n")
    assert json.loads(fifo.read(fifo.open(path)))["id"] == 1


def test_several_requests_at_once_are_answered_in_order(fifo):
    paths = [fifo.reply_file() for _ in range(10)]
    # A reply FIFO that nobody reads is given up after a moment, so all are opened beforehand.
    readers = [fifo.open(path) for path in paths]
    fifo.write("".join(f":{path.name}:{REQUEST % number}" for number, path in enumerate(paths)))
    assert [json.loads(fifo.read(reader))["id"] for reader in readers] == list(range(10))


def test_a_request_without_reply_fifo_and_a_notification_are_run_and_not_answered(fifo):
    path = fifo.reply_file()
    reader = fifo.open(path)
    fifo.write("::" + '{"jsonrpc":"2.0","method":"log_level","params":[2],"id":1}')
    wait_for(lambda: fifo.server.mi("log_level")["Processes"][0]["Log level"] == 2)
    fifo.write(f":{path.name}:" + '{"jsonrpc":"2.0","method":"log_level","params":[3]}')
    wait_for(lambda: fifo.server.mi("log_level")["Processes"][0]["Log level"] == 3)
    fifo.assert_nothing_comes(reader)
    os.close(reader)
    fifo.assert_serves()


@pytest.mark.parametrize("body", ["{]", '{"jsonrpc":"2.0","method":"pwd","id":1]', '{"jsonrpc":"2.0","id":1,}'])
def test_broken_json_is_a_parse_error(fifo, body):
    assert fifo.ask(body)["error"]["code"] == -32700
    fifo.assert_serves()


def test_a_request_that_is_never_completed_is_a_parse_error(fifo):
    assert fifo.ask('{"jsonrpc":"2.0","method":"pwd"')["error"]["code"] == -32700
    fifo.assert_serves()


@pytest.mark.parametrize(("body", "code"), [("{}", -32600), ("[]", -32600),
                                            ('{"jsonrpc":"2.0","method":"none","id":1}', -32601),
                                            ('{"jsonrpc":"2.0","method":"ps","params":[1],"id":1}', -32602)])
def test_errors(fifo, body, code):
    assert fifo.ask(body)["error"]["code"] == code


def test_text_that_is_no_request_is_dropped(fifo):
    fifo.write("what is this?\n")
    fifo.assert_serves()
    fifo.write("pwd\n" + "x" * 3000 + "\n")
    fifo.assert_serves()


def test_a_reply_file_that_is_no_fifo_is_not_written_to(fifo):
    target = fifo.folder / "regular"
    target.write_text("mine")
    fifo.write(":regular:" + REQUEST % 1)
    fifo.assert_serves()
    assert target.read_text() == "mine"


def test_a_reply_fifo_behind_a_symbolic_link_is_not_written_to(fifo):
    real = fifo.reply_file()
    (fifo.folder / "link").symlink_to(real)
    assert_unanswered(fifo, "link", real)


def test_a_reply_fifo_with_two_names_is_not_written_to(fifo):
    real = fifo.reply_file()
    os.link(real, fifo.folder / "second_name")
    assert_unanswered(fifo, "second_name", real)


@pytest.mark.parametrize("name", ["../fifos_reply", "./reply", "a.b", "a\\b", "\x01",
                                  pytest.param("x" * 300, id="too long")])
def test_reply_names_that_could_leave_the_folder_are_refused(fifo, name):
    # The line's end is where a reader that took the name for text finds its way again.
    fifo.write(f":{name}:" + REQUEST % 1 + "\n")
    fifo.assert_serves()


def assert_unanswered(fifo, name, path):
    reader = fifo.open(path)
    try:
        fifo.write(f":{name}:" + REQUEST % 1)
        fifo.assert_serves()
        assert os.read(reader, 100) == b""
    finally:
        os.close(reader)


def test_a_client_that_does_not_read_holds_nobody_up_for_long(fifo):
    path = fifo.reply_file()
    fifo.write(f":{path.name}:" + REQUEST % 1)
    started = time.monotonic()
    fifo.assert_serves()
    assert time.monotonic() - started < 2.0


def test_the_fifo_is_private_and_comes_back_when_it_was_deleted(fifo):
    assert stat.S_ISFIFO(fifo.path.lstat().st_mode)
    assert stat.S_IMODE(fifo.path.lstat().st_mode) == 0o660
    fifo.path.unlink()
    (pid,) = fifo.server.pids("MI FIFO")
    os.kill(pid, signal.SIGHUP)
    wait_for(fifo.has_reader)  # it exists a moment before
    fifo.assert_serves()
    assert stat.S_IMODE(fifo.path.lstat().st_mode) == 0o660
    assert fifo.server.pids("MI FIFO") == [pid]


def test_the_fifo_is_removed_at_the_end_and_a_left_over_one_replaced(start, tmp_path):
    path = tmp_path / "own"
    os.mkfifo(path, 0o600)
    server = start({"mi_http.so": {}, "mi_fifo.so": {"fifo_name": path, "fifo_mode": 0o640, "reply_dir": tmp_path}})
    wait_for(lambda: path.exists() and stat.S_IMODE(path.lstat().st_mode) == 0o640)
    server.stop()
    assert not path.exists()


def configure(folder, path):
    """A configuration file with `path` for the FIFO."""
    modules = {"httpd.so": {"ip": "127.0.0.1", "port": daemon.free_port()},
               "mi_fifo.so": {"fifo_name": path, "reply_dir": folder}}
    file = folder / "second.cfg"
    file.write_text(daemon.config(modules))
    return file


def test_a_second_daemon_does_not_take_the_fifo_of_the_first(fifo, tmp_path):
    before = fifo.path.lstat().st_ino
    file = configure(tmp_path, fifo.path)
    done = daemon.run("-f", file)
    assert done.returncode == 255
    assert "another process reads" in done.stderr and str(fifo.path) in done.stderr
    assert fifo.path.lstat().st_ino == before
    # To check the configuration of a running daemon is no reason to complain.
    assert daemon.run("-c", "-f", file).returncode == 0
    fifo.assert_serves()


def test_the_start_fails_when_the_fifo_cannot_be_made(tmp_path):
    # Nobody makes files there, not even root.
    done = daemon.run("-f", configure(tmp_path, "/proc/fifo"))
    assert done.returncode == 255
    assert "cannot make the FIFO /proc/fifo" in done.stderr


def test_the_fifo_is_there_when_the_daemon_says_that_it_listens(start, tmp_path):
    path = tmp_path / "own"
    start({"mi_http.so": {}, "mi_fifo.so": {"fifo_name": path, "reply_dir": tmp_path}})
    assert path.exists()


def test_hangup_loses_no_request_that_was_written(fifo):
    late, path = fifo.reply_file(), fifo.reply_file()
    reader = fifo.open(path)
    (pid,) = fifo.server.pids("MI FIFO")
    # While the process waits for somebody to open the first reply FIFO.
    fifo.write(f":{late.name}:" + REQUEST % 1)
    time.sleep(0.1)
    fifo.write(f":{path.name}:" + REQUEST % 2)
    os.kill(pid, signal.SIGHUP)
    assert json.loads(fifo.read(reader))["id"] == 2


def test_clients_that_never_open_their_fifos_hold_nobody_up_for_long(fifo):
    names = [fifo.reply_file().name for _ in range(20)]
    fifo.write("".join(f":{name}:" + REQUEST % 1 for name in names) * 20)
    started = time.monotonic()
    fifo.assert_serves()
    # 160 s without a limit.
    assert time.monotonic() - started < 5.0


def test_a_client_cannot_flood_the_log(fifo):
    mark = fifo.server.mark()
    fifo.write("x\n" * 10_000)
    fifo.server.wait_log("more lines about requests were held back", since=mark)
    assert fifo.server.mark() - mark < 100
    fifo.assert_serves()


def test_a_file_that_is_no_fifo_is_not_replaced(tmp_path):
    path = tmp_path / "precious"
    path.write_text("mine")
    (tmp_path / "httpd.cfg").write_text(
        daemon.config({"httpd.so": {"ip": "127.0.0.1"}, "mi_fifo.so": {"fifo_name": path, "reply_dir": tmp_path}}))
    done = daemon.run("-c", "-f", tmp_path / "httpd.cfg")
    assert done.returncode == 255
    assert str(path) in done.stderr
    assert path.read_text() == "mine"
