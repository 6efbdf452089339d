"""Files that call themselves pages: what begins like a PDF, an image or an archive is none, whatever its type says.

The signatures are those of the MIME Sniffing Standard (WHATWG), sections 6 and 7.1. Files that say what they are, by
their type or their name, go to the spider, which may have asked for them.
"""

from __future__ import annotations

from crawler.request import Request
from crawler.response import Outcome, Response
from crawler.verdict import KEEP, After, Drop

_SIGNATURES = (
    (b"%PDF-", "a PDF file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b\x08", "a gzip file"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"OggS\x00", "an Ogg file"),
    (b"\x1aE\xdf\xa3", "a WebM video"),
    (b"wOFF", "a font"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
)
# File names that say it: such a link is followed only if the spider wants it (scope.skip_extensions). A sitemap is
# often compressed behind the name of a plain one.
_NAMES = {
    "a PDF file": ("pdf",),
    "a PNG image": ("png",),
    "a GIF image": ("gif",),
    "a JPEG image": ("jpg", "jpeg"),
    "a ZIP archive": ("zip", "docx", "xlsx", "pptx", "jar", "apk", "epub", "odt", "ods"),
    "a gzip file": ("gz", "tgz", "xml", "txt"),
    "a RAR archive": ("rar",),
    "an Ogg file": ("ogg", "ogv"),
    "a WebM video": ("webm", "mkv"),
    "a font": ("woff",),
    "a program": ("exe", "bin", "dmg"),
}
_FIRST = frozenset(signature[0] for signature, _ in _SIGNATURES)
_HEAD = 1445  # bytes that the standard looks at
# Control characters that no text has (section 7.1: "binary data bytes"); NUL is forgiven, some pages have it.
_BINARY = bytes([*range(0x01, 0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)])
_MOST_BINARY = 0.02  # part of the head
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")  # UTF-16, whose letters are pairs of any bytes


class Content:
    """Drops files that are declared as HTML, or as nothing."""

    name = "content"

    def after(self, request: Request, outcome: Outcome) -> After:
        if not isinstance(outcome, Response) or not outcome.body:
            return KEEP
        kind = found(outcome.body)
        if not kind:
            return KEEP
        declared = outcome.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared and "html" not in declared:
            return KEEP
        if request.url.partition("?")[0].rpartition(".")[2].lower() in _NAMES.get(kind, ()):
            return KEEP
        says = f"declared as {declared[:100]}" if declared else "without a content type"
        return Drop(f"content: {kind} {says}")


def found(body: bytes) -> str:
    """What file this is, such as "a PDF file", or "" for what may be text."""
    if body[0] in _FIRST:
        for signature, kind in _SIGNATURES:
            if body.startswith(signature):
                return kind
    head = body[:_HEAD]
    if len(head) - len(head.translate(None, _BINARY)) > _MOST_BINARY * len(head) and not head.startswith(_WIDE):
        return "binary data"
    return ""
