# packaging/debian/ says the same as the project around it. SPDX-License-Identifier: GPL-2.0-or-later
import fnmatch
import re
import subprocess

import daemon
import installation
import pytest

DEBIAN = daemon.ROOT / "packaging/debian"


def text(name):
    return (DEBIAN / name).read_text(encoding="utf-8")


def paragraphs():
    """The paragraphs of debian/control, a field's lines joined."""
    joined = re.sub(r"\n[ \t]+", " ", text("control"))
    return [dict(line.split(":", 1) for line in paragraph.splitlines()) for paragraph in joined.strip().split("\n\n")]


def package_names(field):
    return {re.split(r"[ :(<]", entry.strip())[0] for entry in field.split(",") if entry.strip()}


def group(name):
    """The Debian packages of a group of scripts/install-packages."""
    script = (daemon.ROOT / "scripts/install-packages").read_text()
    script = script[:script.index("if ! command -v apt-get")] + "\necho $wanted\n"
    return set(subprocess.run(["sh", "-s", name], input=script, capture_output=True, text=True, check=True).stdout.split())


def packaged(path):
    """Where debian/rules has what `make install` has at `path` below its prefix."""
    if path.startswith("lib/systemd/"):
        return path
    return path if path.startswith("etc/") else f"usr/{path}"


def patterns():
    """What each package takes: (package, pattern)."""
    lines = [(file.name.removesuffix(".install"), line.split()[0])
             for file in sorted(DEBIAN.glob("*.install")) for line in file.read_text().splitlines()]
    return [(package, pattern) for package, pattern in lines]


def takes(pattern, path):
    return fnmatch.fnmatch(path, pattern) or path.startswith(pattern + "/")


def test_the_version_is_that_of_the_project():
    version = installation.cache("CMAKE_PROJECT_VERSION")
    assert re.match(r"opensips-httpd \((.+)-\d+\) ", text("changelog"))[1] == version
    assert re.search(r"^## \[(?:Unreleased\] )?([\d.]+)", (daemon.ROOT / "CHANGELOG.md").read_text(), re.M)[1] == version


def test_every_file_that_is_installed_is_in_a_package(installed):
    left = [path for path in map(packaged, installed.files()) if not any(takes(pattern, path) for _, pattern in patterns())]
    assert not left


def test_every_line_of_the_packages_finds_a_file(installed):
    paths = [packaged(path) for path in installed.files()] + ["usr/lib/opensips-httpd/opensips/httpd.so"]
    paths += [f"debian/{file.name}" for file in DEBIAN.iterdir()]
    unused = [line for line in patterns() if not any(takes(line[1], path) for path in paths)]
    assert not unused


def test_the_packages_are_those_of_control():
    assert {package for package, _ in patterns()} == {entry["Package"].strip() for entry in paragraphs()[1:]}


def test_the_build_needs_what_is_installed_for_it():
    wanted = package_names(paragraphs()[0]["Build-Depends"])
    have = {name for name in wanted if name.startswith(("debhelper-compat", "dh-sequence-"))}
    # g++ and dpkg-dev are in build-essential, debhelper is what debhelper-compat and the sequences are provided by.
    assert wanted - have == group("deb") - {"g++", "dpkg-dev", "debhelper", "lintian"}


def test_what_is_compiled_in_is_named():
    """Boost's headers are read everywhere, and so on: each library of headers is in Static-Built-Using and in copyright."""
    compiled_in = set(re.search(r"^COMPILED_IN = (.*)$", text("rules"), re.M)[1].split())
    assert compiled_in <= package_names(paragraphs()[0]["Build-Depends"])
    assert {name for name in group("build") if re.match(r"lib(boost|cli11|fmt|spdlog|js-)|nlohmann", name)} == compiled_in
    for name in ("dygraphs", "nlohmann-json3", "spdlog", "fmt", "CLI11", "Boost"):
        assert name in text("copyright").partition("\nFiles: *")[0]


def test_copyright_has_the_holders_of_dygraphs():
    notice = (daemon.ROOT / "src/handlers/console/page/dygraphs_licence.js").read_text()
    (paragraph,) = [part for part in text("copyright").split("\n\n") if "Files: src/handlers/console/page/dygraphs_" in part]
    assert "Dan Vanderkam" in notice and "Dan Vanderkam" in paragraph
    condition = "The above copyright notice and this permission notice shall be included in all copies"
    assert condition in " ".join(notice.split()) and condition in " ".join(text("copyright").split())


SCRIPTS = [f"opensips-httpd.{when}" for when in ("preinst", "postinst", "prerm", "postrm")]


@pytest.mark.parametrize("script", [*SCRIPTS, "take-over"])
def test_the_scripts_are_shell(script):
    checked = subprocess.run(["sh", "-n", str(DEBIAN / script)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert ("\n#DEBHELPER#\n" in text(script)) == (script in SCRIPTS)


def test_the_user_is_that_of_the_unit():
    user = text("opensips-httpd.sysusers").split()[1]
    unit = (daemon.ROOT / "packaging/systemd/opensips-httpd.service").read_text()
    assert f"\nUser={user}\nGroup={user}\n" in unit
