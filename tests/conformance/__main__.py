"""`python -m tests.conformance DATA`: run all suites of a folder, and write their table into docs/conformance.md."""

import importlib
import platform
import sys
from pathlib import Path

from tests.conformance.document import write_section
from tests.conformance.result import Result

# Module of this package, what it tests, and whose cases they are.
SUITES = (
    ("urls", "URLs: parsing and joining", "web-platform-tests, crawler-commons"),
    ("robots", "robots.txt", "google/robotstxt-spec-test"),
    ("encodings", "encodings", "html5lib-tests"),
    ("cookies", "cookies", "http-state (RFC 6265)"),
    ("sitemaps", "sitemaps", "crawler-commons"),
    ("pages", "real pages", "article-extraction-benchmark"),
)
_DOCUMENT = Path("docs/conformance.md")


def main(arguments: list[str]) -> int:
    """The exit code: 1 if the folder is not there. What does not pass stands in the table, with its reason."""
    if len(arguments) != 1:
        print("usage: python -m tests.conformance FOLDER (make conformance DATA=FOLDER)", file=sys.stderr)
        return 2
    data = Path(arguments[0])
    missing = [
        name for name in ("url", "robots", "encoding", "cookies", "sitemaps", "pages") if not (data / name).is_dir()
    ]
    if missing:
        print(
            f"conformance: {data} has no folder {', '.join(missing)}: say where the suites are, "
            "make conformance DATA=../shared/data",
            file=sys.stderr,
        )
        return 1
    found = {name: importlib.import_module(f"tests.conformance.{name}").results(data) for name, _, _ in SUITES}
    section = account(found)
    write_section(_DOCUMENT, "conformance", section)
    print(section)
    return 0


def account(found: dict[str, list[Result]]) -> str:
    """The section: a line per suite, and all cases that do not pass with their reasons."""
    lines = [
        "## Suites",
        "",
        f"`make conformance DATA=../shared/data` with Python {platform.python_version()}:",
        "",
        "| suite | cases of | cases | passed | % |",
        "|---|---|---:|---:|---:|",
    ]
    for name, title, source in SUITES:
        results = found[name]
        passed = sum(result.passed for result in results)
        lines.append(f"| {title} | {source} | {len(results)} | {passed} | {share(passed, len(results))} |")
    for name, title, _ in SUITES:
        failed = [result for result in found[name] if not result.passed]
        if failed:
            lines += ["", f"Not passed of {title}:", ""]
            lines += [f"- `{_code(result.name)}`: {_line(result.reason)}" for result in failed]
    return "\n".join(lines)


def share(passed: int, cases: int) -> str:
    """Per cent, never rounded up to 100."""
    if not cases:
        return "no cases"
    return "100" if passed == cases else f"{min(99.9, 100 * passed / cases):.1f}"


def _line(text: str) -> str:
    text = " ".join(text.encode("unicode_escape").decode().split()) if not text.isprintable() else text
    text = text if len(text) <= 400 else text[:397] + "..."
    return text.replace("<", "&lt;").replace("|", "\\|")


def _code(text: str) -> str:
    text = text if text.isprintable() else text.encode("unicode_escape").decode()
    return text.replace("`", "'")[:200]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
