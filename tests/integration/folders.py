# Folders for tests of several users. SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import shutil
import tempfile
from pathlib import Path


@contextlib.contextmanager
def public_folder(mode=0o755):
    """A folder that every user can reach, unlike pytest's own; with 0o777 one that they may write to."""
    folder = Path(tempfile.mkdtemp(prefix="httpd-test-"))
    folder.chmod(mode)
    yield folder
    shutil.rmtree(folder)
