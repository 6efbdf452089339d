"""A `crawl` that starts in 30 ms: forked off a process that has everything imported.

Most of the time of a small crawl is Python's start and imports, and the pages of the documentation have dozens of them.
What is run is the same command. How it starts is tested elsewhere, and by the pages that people begin with.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_CLIENT = """#!{python} -IS
import array, json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
asked = json.dumps({{"argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ)}}).encode()
fds = array.array("i", [0, 1, 2])
server.sendmsg([len(asked).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
server.sendall(asked)
code = int(server.recv(16) or b"70")
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


class WarmCrawl:
    """A folder with a `crawl` in it, for the front of PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        address = str(folder / "s")
        self._process = subprocess.Popen([sys.executable, "-m", "tests.docs.warm", address])
        deadline = time.monotonic() + 30
        while not (folder / "s.ready").exists():
            assert self._process.poll() is None, "the warm process has ended"
            assert time.monotonic() < deadline, "the warm process does not start"
            time.sleep(0.01)
        command = folder / "crawl"
        command.write_text(_CLIENT.format(python=sys.executable, address=address))
        command.chmod(0o755)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def serve(address: str) -> None:
    """Until killed: a process for each connection."""
    import crawler.assemble.crawl
    import crawler.cli.export
    import crawler.cli.run
    import crawler.history  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        Path(f"{address}.ready").touch()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> None:
    """Run one command in a child, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, fds, _, _ = socket.recv_fds(connection, 4, 3)
    asked = json.loads(_all(connection, int.from_bytes(head, "big")))
    child = os.fork()
    if child == 0:
        os.setsid()
        connection.close()
        _run(asked, fds)
    for fd in fds:
        os.close(fd)
    _kill_with(connection, child)
    _, status = os.waitpid(child, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _kill_with(connection: socket.socket, child: int) -> None:
    """Wait for the child's end; who asked for it may be killed before, and takes it along, with all it has started."""
    if not hasattr(os, "pidfd_open"):
        return  # macOS
    handle = os.pidfd_open(child)
    if handle not in select.select([handle, connection], [], [])[0]:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    os.close(handle)


def _run(asked: dict, fds: list[int]) -> None:
    code = 70
    try:
        for number, fd in enumerate(fds):
            os.dup2(fd, number)
            os.close(fd)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.argv = asked["argv"]
        from crawler.cli import main

        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _all(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += connection.recv(count - len(data))
    return data


if __name__ == "__main__":
    serve(sys.argv[1])
