"""A real PostgreSQL server in a temporary folder, reached by a socket in it; for whoever has its programs."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

PASSWORD = "g3heim"


def programs():
    """The folder of `initdb` and `postgres`, or None. Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@contextmanager
def server():
    """A running server; the value is the URL of its database, without a table."""
    bin_folder = programs()
    # It does not run as root. The package makes a user for it.
    user = _other_user() if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = tempfile.mkdtemp(prefix="crawl-test-pg-")
    try:
        shutil.chown(folder, user)
        as_user = {"user": user} if os.geteuid() == 0 else {}
        data = f"{folder}/data"
        initdb = [bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "me", "-N", "-E", "UTF8", "--locale=C"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, timeout=60, **as_user)
        options = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-F", "-c", "shared_buffers=1MB"]
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(
                [bin_folder / "postgres", *options], cwd=folder, stdout=log, stderr=log, **as_user
            )
        try:
            until = time.monotonic() + 30
            while not Path(f"{folder}/.s.PGSQL.5432").exists() or not _is_ready(folder):
                assert process.poll() is None, Path(f"{folder}/log").read_text()
                assert time.monotonic() < until, "it does not start"
                time.sleep(0.02)
            yield f"postgresql+psycopg://me:{PASSWORD}@/postgres?host={quote(folder, safe='')}"
        finally:
            process.send_signal(2)  # fast shutdown
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user():
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _is_ready(folder):
    import psycopg

    try:
        psycopg.connect(host=folder, user="me", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True
