"""What processes cost: CPU seconds and memory, read from /proc, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


class Meter:
    """CPU seconds and memory of all processes of a session: the workers of a crawl are not our children.

    `cpu` are seconds of user and system time in all, `peak` and `last` kibibytes of memory together (PSS: what is
    shared counts once, proc_pid_smaps(5)), `names` and `seconds` the command and the CPU seconds of each process.
    All of them stay 0 where there is no /proc.
    """

    def __init__(self, session: int) -> None:
        self._session = session
        self._tick = os.sysconf("SC_CLK_TCK")
        self.seconds: dict[int, float] = {}
        self.names: dict[int, str] = {}
        self.sizes: dict[int, int] = {}  # by process, without the first one
        self.peak = self.last = 0

    def sample(self, memory: bool) -> None:
        """Look at the processes; what they use between the last look and their end is not known."""
        size = 0
        if memory:
            self.sizes.clear()
        for entry in os.scandir(_PROC) if _PROC.is_dir() else ():
            if not entry.name.isdigit():
                continue
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) != self._session:
                    continue
                pid = int(entry.name)
                self.seconds[pid] = (int(fields[11]) + int(fields[12])) / self._tick
                if pid not in self.names:
                    self.names[pid] = Path(entry.path, "cmdline").read_text().replace("\0", " ")[-60:]
                if memory:
                    rollup = Path(entry.path, "smaps_rollup").read_text()
                    one = int(rollup.partition("\nPss:")[2].split()[0])
                    size += one
                    if pid != self._session:
                        self.sizes[pid] = one
            except (OSError, IndexError, ValueError):
                continue  # it has just ended
        if memory:
            self.last = size
        self.peak = max(self.peak, size)

    @property
    def cpu(self) -> float:
        return sum(self.seconds.values())

    def table(self) -> str:
        return "\n".join(f"    {seconds:6.2f} s  {self.names.get(pid, '')}" for pid, seconds in self.seconds.items())
