# A small Debian in a folder: made by debootstrap from the mirror that this machine's apt uses, and commands in it.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "build" / "package-test"
SUITE = "bookworm"
# What boots, and what the checks use.
INCLUDE = ("systemd-sysv", "dbus", "linux-image-cloud-amd64", "initramfs-tools", "curl", "python3", "logrotate", "openssl",
           "iproute2", "procps")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGE = "opensips-httpd"

# Never compared: of the kernel, of apt and dpkg themselves, and caches that are made of what is installed.
NOT_COMPARED = ("proc", "sys", "dev", "tmp", "packages", "var/lib/apt", "var/cache", "var/log/apt", "var/log/dpkg.log",
                "var/log/alternatives.log", "var/lib/dpkg", "etc/ld.so.cache", "etc/passwd-", "etc/group-", "etc/shadow-",
                "etc/gshadow-", "etc/.pwd.lock", "var/lib/systemd/deb-systemd-helper-enabled/multi-user.target.wants",
                "etc/systemd/system/multi-user.target.wants")


class Failed(Exception):
    """A check that did not come out as it must."""


def say(text):
    print(text, flush=True)


def check(good, what):
    """Says what was checked; what does not hold ends the test."""
    if not good:
        raise Failed(what)
    say(f"ok      {what}")


def run(*command, **settings):
    done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **settings)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def mirror():
    """Where this machine's apt has the packages of the suite from."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(RELEASE)", "Created-By: Packages")
    for line in listed.splitlines():
        uri, *names = line.split()
        if SUITE in names:
            return uri
    raise Failed(f"apt on this machine has no source for {SUITE}")


def base():
    """The folder with the system as debootstrap makes it; made once, and again when it is to hold other packages."""
    folder, mark = WORK / "base", WORK / "base.made-of"
    made_of = f"{SUITE} {' '.join(INCLUDE)}\n"
    if mark.is_file() and mark.read_text() == made_of:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    mark.unlink(missing_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    say(f"        debootstrap of {SUITE} into {folder.relative_to(ROOT)}")
    run("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDE)}", SUITE, folder, mirror(), timeout=1800)
    mark.write_text(made_of)
    return folder


class System:
    """A copy of that system, to be changed."""

    def __init__(self, name):
        self.root = WORK / name
        shutil.rmtree(self.root, ignore_errors=True)
        run("cp", "-a", "--reflink=auto", base(), self.root)
        (self.root / "etc/apt/sources.list").unlink(missing_ok=True)
        shutil.copytree("/etc/apt", self.root / "etc/apt", dirs_exist_ok=True)
        for keyring in Path("/usr/share/keyrings").glob("*"):
            shutil.copy(keyring, self.root / "usr/share/keyrings")
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        (self.root / "packages").mkdir()

    def run(self, script, *, network=False, timeout=600):
        """Runs a script of sh in the system, in process and mount namespaces of its own, so that nothing outlives it;
        `network` is for apt, all else has a loopback of its own."""
        lone = [] if network else ["--net"]
        begin = "mount -t proc proc /proc\n" + ("" if network else "ip link set lo up\n")
        proxies = [f"{name}={value}" for name, value in os.environ.items() if name.lower().endswith("_proxy")]
        return run("unshare", "--mount", "--pid", "--fork", "--kill-child", *lone, "chroot", self.root, "env", "-i",
                   f"PATH={PATH}", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", *proxies,
                   "sh", "-euc", begin + script, timeout=timeout)

    def add(self, package):
        """Puts a package's file into the system, and returns its name there."""
        shutil.copy(package, self.root / "packages")
        return f"/packages/{Path(package).name}"

    def install_dependencies(self, package):
        """All that the package needs, and not the package."""
        needs = run("dpkg-deb", "--field", package, "Depends").strip()
        self.run(f"apt-get -q update\napt-get -qy --no-install-recommends satisfy '{needs}'", network=True)

    def files(self):
        """Path -> kind, permissions, owner and, for files of /etc, contents: what may differ when it should not."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            inside = Path(folder).relative_to(self.root)
            folders[:] = [name for name in folders if str(inside / name) not in NOT_COMPARED]
            for name in folders + names:
                path = inside / name
                if str(path) in NOT_COMPARED or name == "__pycache__" or inside.name == "__pycache__":
                    continue
                status = (self.root / path).lstat()
                text = b""
                if inside.parts[:1] == ("etc",) and stat.S_ISREG(status.st_mode):
                    text = (self.root / path).read_bytes()
                found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, text)
        return found


def newest_packages(folder):
    """The files of `make deb` by the names of their packages."""
    found = {run("dpkg-deb", "--field", file, "Package").strip(): file for file in sorted(Path(folder).glob("*.deb"))}
    if PACKAGE not in found:
        raise Failed(f"no package {PACKAGE} in {folder}: run `make deb`")
    return found


def newer(package, folder, *, without_unit_changes=True):
    """The same package with a higher version: another default configuration, and another unit where that is asked for."""
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary) / "tree"
        run("dpkg-deb", "--raw-extract", package, tree)
        control = (tree / "DEBIAN/control").read_text().splitlines(keepends=True)
        version = run("dpkg-deb", "--field", package, "Version").strip() + ("+1" if without_unit_changes else "+2")
        (tree / "DEBIAN/control").write_text("".join(
            f"Version: {version}\n" if line.startswith("Version: ") else line for line in control))
        for conffile in ("opensips-httpd/opensips-httpd.cfg", "logrotate.d/opensips-httpd"):
            with (tree / "etc" / conffile).open("a") as file:
                file.write(f"# of version {version}\n")
        if not without_unit_changes:
            with (tree / "lib/systemd/system/opensips-httpd.service").open("a") as file:
                file.write("[Service]\nLimitNOFILE=70000\n")
        file = Path(folder) / f"{PACKAGE}_{version}.deb"
        run("dpkg-deb", "--root-owner-group", "--build", tree, file)
        return file, version
