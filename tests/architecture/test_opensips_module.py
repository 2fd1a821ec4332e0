# What keeps the module for OpenSIPS thin and complete. SPDX-License-Identifier: GPL-2.0-or-later
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = "\n".join((ROOT / "src/server" / file).read_text(encoding="utf-8")
                   for file in ("parameters.cpp", "access_log/log_settings.cpp",
                                "compression/compression_settings.cpp"))
ENGINE += (ROOT / "src/opensips/engine.cpp").read_text(encoding="utf-8")
MODULE = (ROOT / "src/opensips/parameter_lists.h").read_text(encoding="utf-8")

# The helpers in these files that make a parameter, and its type.
MAKERS = {"integer_parameter": "INTEGER", "size": "INTEGER", "seconds": "INTEGER", "string_parameter": "STRING",
          "file": "STRING"}


def engine_parameters():
    made = re.findall(r"\b(" + "|".join(MAKERS) + r")\(\s*\"(\w+)\"", ENGINE)
    return {(MAKERS[maker], name) for maker, name in made}


def module_parameters():
    found = set()
    for kind in ("INTEGER", "STRING"):
        body = re.search(rf"#define {kind}_PARAMETERS\(P\)((?:.*\\\n)+.*\n)", MODULE)[1]
        found |= {(kind, name) for name in re.findall(r"P\((\w+)\)", body)}
    return found


def test_the_module_has_every_parameter_of_the_engine():
    assert ("INTEGER", "port") in engine_parameters()
    assert ("STRING", "tls_cert_file") in engine_parameters()
    assert module_parameters() == engine_parameters()


def test_the_c_side_alone_knows_opensips():
    """C++ cannot read OpenSIPS's headers, and releases differ: all of that has one place."""
    for file in sorted((ROOT / "src/opensips").glob("*.[ch]*")):
        if file.name in ("module.c", "module_mi.c", "module_mi.h", "tree_version.c"):
            continue
        for included in re.findall(r'^#include "([^"]+)"', file.read_text(encoding="utf-8"), re.M):
            assert (ROOT / "src" / included).is_file(), f"{file.name} includes {included}"


def test_one_file_makes_c_of_the_engine():
    """Exceptions end in border.cpp: nothing else may define what C calls."""
    for file in sorted((ROOT / "src/opensips").glob("*.cpp")):
        if file.name != "border.cpp":
            assert 'extern "C"' not in file.read_text(encoding="utf-8"), file.name
