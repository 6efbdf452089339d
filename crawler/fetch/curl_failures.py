"""From the error codes of libcurl to the kinds of failures, in the words that other clients have for them."""

from __future__ import annotations

import errno
import os
import re

import pycurl

from crawler.fetch.curl_transfer import Transfer
from crawler.fetch.faults import Fault
from crawler.fetch.proxies import Proxy, refused_by
from crawler.response import FailureKind

# Error codes that `pycurl` has no names for.
_WEIRD_REPLY, _HTTP2_STREAM, _PROXY, _TOO_LARGE = 8, 92, 97, 100

_TLS = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_INVALIDCERTSTATUS,
        pycurl.E_SSL_ENGINE_INITFAILED,
        pycurl.E_SSL_SHUTDOWN_FAILED,
        pycurl.E_USE_SSL_FAILED,
    }
)
_KINDS: dict[int, FailureKind] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: "protocol",  # an answer of HTTP/0.9, or of something else
    pycurl.E_URL_MALFORMAT: "invalid",
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_CONNECT: "connect",
    pycurl.E_PARTIAL_FILE: "partial",
    pycurl.E_GOT_NOTHING: "protocol",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_OUT_OF_MEMORY: "worker",
    pycurl.E_BAD_CONTENT_ENCODING: "protocol",  # of the transfer: that of the body is undone here
}
_CONNECT_ERRORS = (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EADDRNOTAVAIL)
_EOF = "unexpected eof"  # a connection that ends without the last word of TLS
_CHUNKS = re.compile("chunk|hexadecimal", re.IGNORECASE)
_LARGE = re.compile("too large|too long|too many", re.IGNORECASE)
_NAME = re.compile(r"no alternative certificate subject name matches target (host name|\S+ address) '(.*?)'")
_WHERE = re.compile(r"^(SSL certificate (problem|OpenSSL verify result): |TLS connect error: (error:[0-9A-F]+:)?)")
_TUNNEL = re.compile(r"HTTP/\S+ (\d{3}) ?([^\r\n]*)")
# What a SOCKS proxy answers (RFC 1928, 6), by libcurl's number for it; and those that mean a user or a password.
_SOCKS = {
    17: "Address type not supported", 18: "Command not supported", 19: "Connection refused",
    20: "General SOCKS server failure", 21: "Host unreachable", 22: "Network unreachable",
    23: "Connection not allowed by ruleset", 24: "TTL expired",
}  # fmt: skip
_SOCKS_LOGIN = frozenset({10, 11, 12, 33})


def fault_of(transfer: Transfer, code: int, message: str) -> Fault:
    """What the end of a transfer with an error code of libcurl means."""
    proxy = transfer.proxy
    system = transfer.curl.getinfo(pycurl.OS_ERRNO)
    if proxy is not None and not transfer.is_connected and not transfer.status:
        found = _of_proxy(transfer, proxy, code, message, system)
        if found is not None:
            return found
    if code in _TLS:
        return Fault("tls", _tls(message))
    if code == pycurl.E_COULDNT_CONNECT:
        return Fault("connect", os.strerror(system) if system else _plain(message))
    if _EOF in message and transfer.lines:
        return Fault("partial", "the body is not complete")
    if code == pycurl.E_GOT_NOTHING or _EOF in message:
        return Fault("protocol", "Remote end closed connection without response")
    if code == pycurl.E_PARTIAL_FILE or (
        code in (pycurl.E_RECV_ERROR, pycurl.E_WRITE_ERROR) and _CHUNKS.search(message)
    ):
        return Fault("partial", "the body is not complete")
    if code == pycurl.E_UNSUPPORTED_PROTOCOL:
        return Fault("protocol", "not HTTP")
    if code == _TOO_LARGE or _LARGE.search(message):
        return transfer.too_much()
    if code in (pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR) and system:
        return Fault("connect" if system in _CONNECT_ERRORS else "reset", os.strerror(system))
    if code in (pycurl.E_HTTP2, _HTTP2_STREAM, _WEIRD_REPLY):
        return Fault("protocol", _plain(message))
    return Fault(_KINDS.get(code, "error"), _plain(message))


def _of_proxy(transfer: Transfer, proxy: Proxy, code: int, message: str, system: int) -> Fault | None:
    """What happened between here and a proxy."""
    if code == pycurl.E_COULDNT_CONNECT and not transfer.lines:
        return Fault("connect", f"the proxy {proxy} cannot be reached: {os.strerror(system) if system else message}")
    if code == _PROXY:
        number = transfer.curl.getinfo(pycurl.PROXY_ERROR)
        if number in _SOCKS_LOGIN:
            return Fault("invalid", f"the proxy {proxy} wants another user and password")
        return Fault("connect", f"the proxy {proxy} could not connect: {_SOCKS.get(number, 'invalid data')}")
    if transfer.lines and (match := _TUNNEL.match(b"".join(transfer.lines).decode("latin-1"))):
        status = int(match[1])
        if not 200 <= status < 300:
            if status == 407:
                return refused_by(proxy, 407)
            return Fault("connect", f"the proxy said {status} {match[2]}".rstrip())
    if transfer.lines and not transfer.lines[0].startswith(b"HTTP/"):
        return Fault("protocol", f"not HTTP: {transfer.lines[0].decode('latin-1')}")
    return None


def _tls(message: str) -> str:
    if match := _NAME.search(message):
        what = "Hostname mismatch" if match[1] == "host name" and not match[2][-1:].isdigit() else "IP address mismatch"
        return f"certificate verify failed: {what}, certificate is not valid for '{match[2]}'"
    return _plain(_WHERE.sub("", message))


def _plain(message: str) -> str:
    return message.rstrip(".") or "libcurl says no more of it"
