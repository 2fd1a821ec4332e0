# Fixtures of the integration tests: a daemon per test or per module, and the tests that wait longest put last.
# SPDX-License-Identifier: GPL-2.0-or-later
import threading
import time

import certificates
import daemon
import folders
import pytest
from accesslog import AccessLog


def pytest_sessionstart():
    for needed in (daemon.BINARY, daemon.CAPI_PROBE, daemon.CPP_PROBE, daemon.STREAM_PROBE, daemon.WORKER_PROBE):
        if not needed.is_file():
            pytest.exit(f"{needed} is not built: run `make test`, or set HTTPD_BUILD_DIR", returncode=3)


def pytest_collection_modifyitems(items):
    # What is watched from the session's start is asked for at its end.
    items.sort(key=lambda item: "default_idle_time" in item.fixturenames)


@pytest.fixture
def start(tmp_path_factory):
    """Starts daemons for one test; each is stopped, and its end checked, when the test is over."""
    running = []

    def starter(*arguments, **settings):
        started = daemon.Daemon(tmp_path_factory.mktemp("daemon"), *arguments, **settings)
        running.append(started)
        return started

    yield starter
    try:
        for started in running:
            if started.process.returncode is None:
                started.stop()
    finally:
        for started in running:
            started.kill()


@pytest.fixture
def log(start, tmp_path):
    """Starts a server with an access log."""
    return lambda **settings: AccessLog(start, tmp_path / "access.log", **settings)


@pytest.fixture
def json_log(log):
    """The same with JSON lines."""
    return lambda **settings: log(access_log_format="json", **settings)


@pytest.fixture
def public_folder():
    """A folder that every user may read, unlike pytest's own."""
    with folders.public_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def authorities(tmp_path_factory):
    """The folder that certification authorities are made in."""
    return tmp_path_factory.mktemp("authorities")


@pytest.fixture(scope="session")
def authority(authorities):
    """The authority that clients and servers of the tests trust."""
    return certificates.Authority(authorities, "Test Authority")


@pytest.fixture(scope="session")
def foreign_authority(authorities):
    """An authority that nobody trusts."""
    return certificates.Authority(authorities, "Foreign Authority")


@pytest.fixture(scope="session")
def ec(authority):
    """A server's certificate for localhost with a P-384 key."""
    return authority.issue()


@pytest.fixture(scope="session")
def rsa(authority):
    """A server's certificate for localhost with an RSA key."""
    return authority.issue(key="RSA")


class IdleConnection:
    """A connection on which nothing is ever sent, to a server with default limits; ends when the server closes it."""

    def __init__(self, server):
        self.server = server
        self.seconds = None
        self.client = server.connect(timeout=60)
        self.opened = time.monotonic()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        try:
            self.client.assert_closed(within=60)
        except AssertionError:
            return
        self.seconds = time.monotonic() - self.opened


@pytest.fixture(scope="session", autouse=True)
def idle_connection(request, tmp_path_factory):
    """Opened before the first test and watched beside the others, so that half a minute costs nobody time."""
    if not any("default_idle_time" in item.fixturenames for item in request.session.items):
        yield None
        return
    with daemon.Daemon(tmp_path_factory.mktemp("idle")) as server:
        yield IdleConnection(server)


@pytest.fixture
def default_idle_time(idle_connection):
    """How long an idle connection was kept by a server with default limits, in seconds; None: 60 and more."""
    idle_connection.thread.join()
    return idle_connection.seconds
