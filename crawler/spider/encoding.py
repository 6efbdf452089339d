"""From the bytes of a page to its text, as browsers do it (WHATWG Encoding Standard and HTML standard, 13.2.3).

In this order: byte order mark, charset of the Content-Type header, what the document declares, strict UTF-8,
a guess, windows-1252. Owns encoding labels; never raises on a body.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from itertools import chain

from crawler.spider.prescan import meta_labels, xml_label

_PRESCAN = 1024  # the HTML standard's number
_LATE_PRESCAN = 65536  # browsers parse again when a <meta> comes later; only done for what is not UTF-8
_SAMPLE = 8192  # bytes of text the guess is made from

# The encodings of the standard, by the names of Python's decoders for them. Anything else Python knows ("utf-7",
# "rot13", "idna") is no encoding of a web page.
_WEB = frozenset(
    (
        *("utf-8", "utf-16-le", "utf-16-be", "gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "cp932", "cp949"),
        *("koi8-r", "koi8-u", "cp866", "mac-roman", "mac-cyrillic", "cp874"),
        *(f"cp{number}" for number in range(1250, 1259)),
        *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    )
)
# Labels of the standard that Python and w3lib do not know.
_LABELS = {
    "utf-16": "utf-16-le", "unicode": "utf-16-le", "ucs-2": "utf-16-le", "iso-10646-ucs-2": "utf-16-le",
    "csunicode": "utf-16-le", "unicodefeff": "utf-16-le", "unicodefffe": "utf-16-be",
    "unicode-1-1-utf-8": "utf-8", "unicode11utf8": "utf-8", "unicode20utf8": "utf-8", "x-unicode20utf8": "utf-8",
    "gb_2312": "gb18030", "csgb2312": "gb18030", "x-gbk": "gb18030",
    "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp", "cseucpkdfmtjapanese": "euc_jp",
    "cseuckr": "cp949", "csksc56011987": "cp949", "iso-ir-149": "cp949", "ks_c_5601-1989": "cp949",
    "ksc_5601": "cp949", "windows-949": "cp949",
    "koi": "koi8-r", "koi8": "koi8-r", "koi8-ru": "koi8-u",
    "mac": "mac-roman", "csmacintosh": "mac-roman", "x-mac-roman": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic",
    "dos-874": "cp874", "sun_eu_greek": "iso8859-7", "csisolatin9": "iso8859-15",
    "csiso88596e": "iso8859-6", "csiso88596i": "iso8859-6", "iso-8859-6-e": "iso8859-6", "iso-8859-6-i": "iso8859-6",
    "csiso88598e": "iso8859-8", "csiso88598i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "iso-8859-8-i": "iso8859-8",
    "visual": "iso8859-8", "logical": "iso8859-8",
}  # fmt: skip
_LABEL = re.compile(r"[a-z0-9][a-z0-9._:\-]*")  # Python's own look-up overlooks any other characters
_SHORT_ISO = re.compile(r"iso8859(\d\d?)")  # iso88592
_X_CODE_PAGE = re.compile(r"x-(cp125\d)")  # x-cp1251

# What an undeclared page that is not UTF-8 may be in. Without this list the guess names rarities (cp1006).
_GUESSES = [
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),
    *("cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1256", "cp1255", "koi8_r"),
]

_HEADER_CHARSET = re.compile(r";[ \t]*charset=(?:\"([^\"]*)\"|([^\s;,\"]*))", re.IGNORECASE)
_ASCII = bytes(range(128))


def decode(body: bytes, content_type: str | None) -> tuple[str, str]:
    """The text of `body` and the name of Python's codec it was decoded with ("utf-8", "gb18030", "cp1252").

    `content_type` is the Content-Type header, or None. Bytes that cannot be decoded become U+FFFD; a byte order
    mark is not part of the text.
    """
    if body[:3] == codecs.BOM_UTF8:
        return body[3:].decode("utf-8", "replace"), "utf-8"
    if body[:2] == codecs.BOM_UTF16_LE:
        return body[2:].decode("utf-16-le", "replace"), "utf-16-le"
    if body[:2] == codecs.BOM_UTF16_BE:
        return body[2:].decode("utf-16-be", "replace"), "utf-16-be"
    mime, codec = parse_content_type(content_type or "")
    codec = codec or _declared(body[:_PRESCAN], mime)
    if codec is None:
        text = _as_utf8(body)
        if text is not None:
            return text, "utf-8"
        codec = _declared(body[:_LATE_PRESCAN], mime) or _guess(body)
    return body.decode(codec, "replace" if codec.startswith("utf") else "crawler.web"), codec


@lru_cache(maxsize=256)
def parse_content_type(header: str) -> tuple[str, str | None]:
    """The media type of a Content-Type header in lower case ("text/html"), and the codec of its charset, if any."""
    charset = _HEADER_CHARSET.search(header)
    label = (charset[1] or charset[2] or "") if charset else ""
    return header.partition(";")[0].strip().lower(), codec_of(label.strip().lower())


@lru_cache(maxsize=256)
def codec_of(label: str) -> str | None:
    """The name of Python's codec for an encoding label in lower case, or None for what is no encoding of the web."""
    if label in ("utf-8", "utf8"):
        return "utf-8"
    codec = _LABELS.get(label)
    if codec is None and _LABEL.fullmatch(label):
        from w3lib.encoding import resolve_encoding

        codec = resolve_encoding(_SHORT_ISO.sub(r"iso-8859-\1", _X_CODE_PAGE.sub(r"\1", label)))
    return codec if codec in _WEB else None


def _declared(head: bytes, mime: str) -> str | None:
    """The codec a document declares in its first bytes."""
    if mime.endswith("xml"):
        codec = codec_of(xml_label(head) or "")
        # As below: many programs write "utf-16" into what they then store as UTF-8.
        return "utf-8" if codec is not None and codec.startswith("utf-16") and b"\0" not in head[:2] else codec
    if mime not in ("", "text/html") and head.lstrip()[:1] != b"<":
        return None  # JSON or plain text that happens to speak of <meta charset>
    xml = xml_label(head)
    if xml is not None and b"\0" in head[:2]:
        return codec_of(xml)
    for label in chain(meta_labels(head), (xml or "",)):
        codec = "cp1252" if label == "x-user-defined" else codec_of(label)
        if codec is not None:
            # A declaration that can be read as ASCII is not in UTF-16, whatever it says.
            return "utf-8" if codec.startswith("utf-16") else codec
    return None


def _as_utf8(body: bytes) -> str | None:
    """The text, if the body is UTF-8 but for a few broken bytes (a cut end, one comment in another encoding)."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_off = error.start >= len(body) - 3 and error.reason == "unexpected end of data"
        text = body.decode("utf-8", "replace")
        high = len(body.translate(None, _ASCII))
        return text if cut_off or text.count("\ufffd") * 20 < high else None


def _guess(body: bytes) -> str:
    from charset_normalizer import from_bytes

    # Only text between tags that is not ASCII tells anything. (A split is linear, unlike a pattern that looks for it.)
    parts = re.split(rb"[<>\"'=]+", body[: 16 * _SAMPLE])
    sample = b" ".join(part for part in parts if not part.isascii())[:_SAMPLE]
    matches = from_bytes(sample, cp_isolation=_GUESSES, preemptive_behaviour=False, enable_fallback=False)
    best = matches.best()
    if best is None:
        return "cp1252"
    for match in matches:  # of equals, the one browsers fall back to
        tied = (match.chaos, match.coherence) == (best.chaos, best.coherence)
        if tied and "cp1252" in (match.encoding, *(twin.encoding for twin in match.submatch)):
            return "cp1252"
    return codec_of(best.encoding) or "cp1252"


def _replace(error: UnicodeError) -> tuple[str, int]:
    """U+FFFD for what cannot be decoded, except where the standard has a character and Python's tables have none."""
    assert isinstance(error, UnicodeDecodeError)
    byte = error.object[error.start]
    if error.encoding == "charmap" and byte < 0xA0:
        return chr(byte), error.start + 1
    if error.encoding == "gb18030" and byte == 0x80:
        return "€", error.start + 1
    end = error.end
    while end > error.start + 1 and error.object[end - 1] < 0x80:
        end -= 1  # an ASCII byte is never part of what is broken: it could be the "<" of a tag
    return "\ufffd", end


codecs.register_error("crawler.web", _replace)
