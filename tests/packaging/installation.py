# Installs the build into a folder, and builds modules with what is there. SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import subprocess
from pathlib import Path

import daemon

MODULES = "lib/opensips-httpd/modules"


def cache(name):
    """A variable of the build."""
    text = (daemon.BUILD / "CMakeCache.txt").read_text()
    return re.search(rf"^{name}:\w+=(.*)$", text, re.M)[1]


def run(*command, **settings):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=240, **settings)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Installation:
    """The folder `root` has the place of /; `prefix` is the installation's prefix in it, and `etc` the folder of its
    configuration, which need not be below that: with /usr it is /etc, and with /opt/x it is /etc/opt/x."""

    def __init__(self, root):
        self.root = Path(root)
        self.install()
        self.prefix = self.root / cache("CMAKE_INSTALL_PREFIX").lstrip("/")
        (config,) = self.root.rglob("etc/opensips-httpd/opensips-httpd.cfg")
        self.etc = config.parents[1]
        self.binary = self.prefix / "bin" / "opensips-httpd"

    def install(self):
        return run("cmake", "--install", daemon.BUILD, env={**os.environ, "DESTDIR": str(self.root)})

    def files(self):
        """The paths of all files, below the prefix; those of `etc` as if it were there."""
        paths = [path for path in self.root.rglob("*") if not path.is_dir()]
        return {f"etc/{path.relative_to(self.etc)}" if path.is_relative_to(self.etc) else str(path.relative_to(self.prefix))
                for path in paths}

    def environment(self):
        """Has pkg-config find the installation; what stands in its file are the paths of the real prefix."""
        return {**os.environ, "PKG_CONFIG_PATH": str(self.prefix / "share/pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(self.root)}

    def pkg_config(self, *arguments):
        return run("pkg-config", *arguments, "opensips-httpd", env=self.environment()).split()

    def cmake(self, source, build, *options):
        """Builds a project that says find_package(opensips-httpd). Without optimisation: the result is to be loaded, not
        to be fast."""
        run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror", *options)
        run("cmake", "--build", build)
        return build
