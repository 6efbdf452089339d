"""A bash that stays: commands one after the other, each with what it printed and its exit code."""

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

_SECONDS = 60  # for one command


class Shell:
    """`run("cd films; ls")` keeps the folder, variables and `$?` for the next one. Nothing can be typed into it."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder, self._env = folder, env
        self._code = 0
        self._process = self._start(["bash", "--norc", "--noprofile"], subprocess.PIPE)
        self._background: list[subprocess.Popen[bytes]] = []

    def run(self, command: str) -> tuple[str, int]:
        """What the command printed, standard error included, and its exit code. Raises `TimeoutError`."""
        end = f"--- end {os.urandom(8).hex()} "
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(f"(exit {self._code})\n{{ {command}\n}} </dev/null\nprintf '%s%s\\n' '{end}' $?\n".encode())
        stdin.flush()
        printed = _read(self._process, lambda text: end in text and text.endswith("\n"))
        output, _, code = printed.rpartition(end)
        self._code = int(code)
        return output, self._code

    def background(self, command: str, ready: str) -> str:
        """Start a command that stays, and wait until it has printed as many lines as `ready` has; returns them."""
        process = self._start(["bash", "-c", f"exec {command}"], subprocess.DEVNULL)
        self._background.append(process)
        return _read(process, lambda text: text.count("\n") >= ready.strip("\n").count("\n") + 1)

    def close(self) -> None:
        for process in [self._process, *self._background]:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def _start(self, command: list[str], stdin: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _read(process, is_all) -> str:
    """What the process prints, until that is all. Raises `TimeoutError`, also if the process ends before."""
    printed = b""
    deadline = time.monotonic() + _SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not is_all(printed.decode(errors="replace")):
            if not selector.select(deadline - time.monotonic()):
                raise TimeoutError(f"not within {_SECONDS} s, after this: {printed.decode(errors='replace')}")
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                raise TimeoutError(f"the process ended after this: {printed.decode(errors='replace')}")
            printed += piece
    return printed.decode(errors="replace")
