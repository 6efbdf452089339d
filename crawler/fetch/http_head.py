"""Answers of `http.client` whose heads are read by `head.py`."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

from crawler.fetch.faults import Fault
from crawler.fetch.head import LONGEST, fields, length_of


class Head(http.client.HTTPResponse):
    """An answer whose head is read by `begin`, as `http.client` asks for. Raises `Fault` where that is none."""

    def begin(self) -> None:
        version, status, reason = self._read_status()  # type: ignore[attr-defined]
        while 100 <= status < 200 and status != 101:  # interim answers (RFC 9110, 15.2)
            for _ in self._fields():
                pass
            version, status, reason = self._read_status()  # type: ignore[attr-defined]
        self.code = self.status = status
        self.reason = reason.strip()
        self.version = 10 if version == "HTTP/1.0" else 11
        self.headers = self.msg = http.client.HTTPMessage()
        for name, value in self._fields():
            self.msg.set_raw(name, value)
        self._frame()

    def _fields(self) -> Iterator[tuple[str, str]]:
        readline = self.fp.readline
        return fields(lambda: readline(LONGEST + 1))

    def _frame(self) -> None:
        """How long the body is (RFC 9112, 6.3), and whether the connection goes on after it."""
        coding = self.msg.get("transfer-encoding")
        self.length = None
        self.chunked = coding is not None and coding.lower() == "chunked"
        self.chunk_left = None
        self.will_close = self._check_close()  # type: ignore[attr-defined]
        if self.status in (101, 204, 304) or self._method == "HEAD":  # type: ignore[attr-defined]
            self.length = 0
        elif coding is not None:
            if not self.chunked:
                raise Fault("protocol", f"a transfer coding nobody asked for: {coding}")
        elif (length := length_of(self.msg.get_all("content-length", []))) is not None:
            self.length = length
        else:
            self.will_close = True
