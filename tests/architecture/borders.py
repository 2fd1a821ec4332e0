# Reads the #include lines of the tree and reports those that cross the borders between its parts.
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every part of the tree with what it may include. ARCHITECTURE.md says why the borders run where they do."""

import re
from pathlib import Path

PUBLIC = "<httpd/>"  # all of include/httpd
EVERY_PART = {"net", "http", "server", "process", "capi", "daemon", "opensips"}

# Folder of src/ -> the folders of src/ that it may include. `handlers/X` may include itself alone.
MAY_INCLUDE = {
    "net": {"net"},
    "http": {"http", "<httpd/method.h>", "<httpd/utf8.h>"},
    "server": {"net", "http", "server", PUBLIC},
    "process": {"net", "http", "server", "process", PUBLIC},
    "capi": {"capi", PUBLIC},
    "daemon": EVERY_PART - {"opensips"} | {PUBLIC},
    "opensips": EVERY_PART - {"daemon"} | {PUBLIC},  # and see HANDLERS_IN_OPENSIPS
}

# OpenSIPS has modules of its own for most of what the daemon's handlers do; what it has none for is in httpd.so.
HANDLERS_IN_OPENSIPS = {"handlers/console/console.h"}

# Library -> where alone it may be included (the start of a path in the tree). The longest prefix decides.
LIBRARIES = {
    "boost/beast": ("src/http/parser.cpp",),
    "boost/asio": (),  # no Asio I/O anywhere ...
    "boost/asio/buffer.hpp": ("src/http/parser.cpp",),  # ... but its buffer type is what Beast's parser is fed with
    "spdlog": ("src/daemon/",),
    "CLI": ("src/daemon/",),
    "systemd": ("src/daemon/",),
    # The journal takes records through libsystemd alone, and both hosts write the access log to it.
    "systemd/sd-journal.h": ("src/process/access_log/journal_sink.cpp",),
    "gmp.h": ("src/net/tls_memory.cpp",),
    "gnutls": ("src/net/",),
    "nettle": ("src/http/credentials.cpp", "src/server/access/credentials.cpp"),
    "zlib": ("src/server/compression/encoder.cpp",),
    "zstd": ("src/server/compression/encoder.cpp",),
    "opensips": ("src/opensips/",),
}

# What modules are built on must compile with the compiler, the system and nlohmann-json alone.
PUBLIC_MAY_INCLUDE = re.compile(r"(httpd/|nlohmann/|sys/|netinet/|arpa/|net/)[\w./]+|[\w.]+")

INCLUDE = re.compile(r"^[ \t]*#[ \t]*(?:include|include_next|import)\b[ \t]*(?P<what><[^>\n]*>|\"[^\"\n]*\"|[^\n]*)", re.M)
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.S)


def includes(text):
    """Yields (line number, '<path>' or '"path"') for each include directive outside block comments."""
    without_comments = BLOCK_COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), text)
    for match in INCLUDE.finditer(without_comments):
        yield without_comments.count("\n", 0, match.start()) + 1, match["what"].strip()


def library_problem(path, included):
    """Says why the file at `path` must not include <included>, as far as third-party libraries go; else None."""
    owners = [name for name in LIBRARIES if included == name or included.startswith((name + "/", name + "."))]
    if not owners:
        return None
    name = max(owners, key=len)
    homes = LIBRARIES[name]
    if any(path == home or (home.endswith("/") and path.startswith(home)) for home in homes):
        return None
    return f"<{name}> is for {' and '.join(homes)} alone" if homes else f"<{name}> is used nowhere"


def public_header_problem(allowed, included):
    """Whether <httpd/...> is open to a part with this row of MAY_INCLUDE."""
    if PUBLIC in allowed or f"<{included}>" in allowed:
        return None
    return "this part must not know the handler API"


def source_problem(root, path, what):
    """Says why the file `path` of src/ must not have the include `what`; None when it may."""
    parts = Path(path).parts
    included = what[1:-1]
    if parts[1] == "handlers":
        own, allowed = "/".join(parts[1:3]) + "/", {PUBLIC}
    elif len(parts) > 2 and parts[1] in MAY_INCLUDE:
        own, allowed = None, MAY_INCLUDE[parts[1]]
    else:
        return f"the folder of {path} has no row in tests/architecture/borders.py"

    if what.startswith("<"):
        if included.startswith("httpd/"):
            return public_header_problem(allowed, included)
        return library_problem(path, included)
    if included.startswith("httpd/"):
        return f"written as <{included}>, since it is public"
    made_by_cmake = (root / "src" / f"{included}.in").is_file()
    if not ((root / "src" / included).is_file() or made_by_cmake) or ".." in Path(included).parts:
        # OpenSIPS's own headers are quoted, and stand beside or above the module.
        return None if parts[1] == "opensips" else "no such file below src/, where quoted paths start"
    if own is not None:
        return None if included.startswith(own) else f"{own} may include itself and <httpd/...> alone"
    if parts[1] == "opensips" and included in HANDLERS_IN_OPENSIPS:
        return None
    folder = Path(included).parts[0]
    return None if folder in allowed else f"{parts[1]} must not know {folder}"


def problem(root, path, what):
    """Says why the file at `path` (relative to `root`) must not have this include; None when it may."""
    if what[:1] not in ("<", '"') or len(what) < 3:
        return "an include whose file is not written out"
    if path.startswith("src/"):
        return source_problem(root, path, what)
    included = what[1:-1]
    if path.startswith("include/"):
        if what[0] == "<" and PUBLIC_MAY_INCLUDE.fullmatch(included):
            return None
        return "public headers include <httpd/...>, <nlohmann/...> and the system's headers alone"
    # Modules outside src/ are what a third party would write.
    if what[0] == '"':
        return "modules include <httpd/...> and installed libraries alone"
    return library_problem(path, included)


def check(root):
    """Returns 'file:line: #include ...: why not' for every include below `root` that crosses a border."""
    found = []
    for top in ("src", "include", "examples", "tests/integration/modules"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in (".h", ".hpp", ".c", ".cpp", ".inc"):
                continue
            path = file.relative_to(root).as_posix()
            for line, what in includes(file.read_text(encoding="utf-8")):
                why = problem(root, path, what)
                if why is not None:
                    found.append(f"{path}:{line}: #include {what}: {why}")
    return found
