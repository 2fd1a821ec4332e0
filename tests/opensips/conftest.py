# Fixtures of the tests that run in a real OpenSIPS; they are skipped where there is none.
# SPDX-License-Identifier: GPL-2.0-or-later
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import browser as chromium  # noqa: E402
import certificates  # noqa: E402
import opensips  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "ours: what the stock module cannot do")


def pytest_sessionstart():
    if opensips.TREE is not None and not opensips.module().is_file():
        pytest.exit(f"{opensips.module()} is not built: run `make opensips-module OPENSIPS_SOURCE_DIR={opensips.TREE}`",
                    returncode=3)


def pytest_collection_modifyitems(items):
    for item in items:
        if opensips.TREE is None:
            item.add_marker(pytest.mark.skip(reason="OPENSIPS_SOURCE_DIR is not set"))
        elif opensips.is_stock() and "ours" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="the stock module cannot do that"))


@pytest.fixture
def start(tmp_path_factory):
    """Starts an OpenSIPS for one test; it is stopped, and its end checked, when the test is over."""
    running = []

    def starter(*arguments, **settings):
        started = opensips.OpenSips(tmp_path_factory.mktemp("opensips"), *arguments, **settings)
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not chromium.is_installed():
        pytest.skip("the packages chromium and chromium-driver are not installed")
    with chromium.Browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The authority that clients of the tests trust."""
    return certificates.Authority(tmp_path_factory.mktemp("authorities"), "Test Authority")
