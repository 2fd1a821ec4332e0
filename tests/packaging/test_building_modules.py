# The examples, built outside of the tree with what is installed, and run by the daemon that is installed.
# SPDX-License-Identifier: GPL-2.0-or-later
import re
import shutil

import daemon
import installation
import pytest

DOCS = "share/doc/opensips-httpd"
EXAMPLES = ("events_cpp", "files_cpp", "hello_c", "hello_cpp")


def guide(language, beginning):
    """The block of docs/DEVELOPER.md in this language that begins so."""
    text = (daemon.ROOT / "docs/DEVELOPER.md").read_text()
    (block,) = [block for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S) if block.startswith(beginning)]
    return block


@pytest.fixture(scope="module")
def by_pkg_config(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pkg-config")
    for name in ("hello_c.c", "hello_cpp.cpp"):
        shutil.copy(installed.prefix / DOCS / "examples" / name, folder)
    commands = guide("sh", "gcc -std=c11 -O2 -shared -fPIC $(pkg-config").replace(" -O2 ", " -O0 -Wall -Wextra -Werror ")
    installation.run("sh", "-euc", commands, cwd=folder, env=installed.environment())
    return folder


@pytest.fixture(scope="module")
def by_cmake(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cmake")
    shutil.copytree(installed.prefix / DOCS / "examples", folder / "examples")
    return installed.cmake(folder / "examples", folder / "build")


def test_pkg_config_names_the_installation(installed):
    assert installed.pkg_config("--modversion") == [installation.cache("CMAKE_PROJECT_VERSION")]
    assert f"-I{installed.prefix / 'include'}" in installed.pkg_config("--cflags")
    assert installed.pkg_config("--variable=moduledir") == [str(installed.prefix / installation.MODULES)]


def test_cmake_builds_every_example(by_cmake):
    assert {path.name for path in by_cmake.glob("*.so")} == {f"{name}.so" for name in EXAMPLES}


@pytest.mark.parametrize("way", ["by_pkg_config", "by_cmake"])
def test_the_installed_daemon_runs_them(way, installed, tmp_path, monkeypatch, request):
    folder = request.getfixturevalue(way)
    monkeypatch.setattr(daemon, "BINARY", installed.binary)
    modules = {folder / "hello_c.so": {"root": "hello"}, folder / "hello_cpp.so": {"root": "hello-cpp"}}
    with daemon.Daemon(tmp_path, {str(file): parameters for file, parameters in modules.items()}) as server:
        assert server.ask("GET", "/hello?name=Ada").body == b"Hello, Ada!\n"
        assert server.ask("POST", "/hello-cpp", "Content-Type: text/plain", body=b"some text").body == b"some text"


def test_the_project_of_the_guide(installed, tmp_path):
    (tmp_path / "hello_cpp.cpp").write_text("")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(mine LANGUAGES CXX)\n" + guide("cmake", "find_package(opensips-httpd"))
    build = installed.cmake(tmp_path, tmp_path / "build")
    assert (build / "hello_cpp.so").is_file()
    assert f'"{installed.prefix / installation.MODULES}' in (build / "cmake_install.cmake").read_text()


def test_a_project_in_c_needs_no_library_of_cpp(installed, tmp_path):
    shutil.copy(installed.prefix / DOCS / "examples/hello_c.c", tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(mine LANGUAGES C)\nfind_package(opensips-httpd 0.1 REQUIRED)\n"
        "opensips_httpd_add_module(hello_c hello_c.c)\n")
    build = installed.cmake(tmp_path, tmp_path / "build", "-DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON")
    assert (build / "hello_c.so").is_file()


@pytest.mark.parametrize(("version", "found"), [("0.1", True), ("0.0", False), ("0.2", False), ("1.0", False)])
def test_only_the_version_that_is_there_is_found(version, found, installed, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(mine LANGUAGES NONE)\n"
        f"find_package(opensips-httpd {version})\nmessage(STATUS \"found=${{opensips-httpd_FOUND}}\")\n")
    printed = installation.run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={installed.prefix}")
    assert f"found={int(found)}" in printed
