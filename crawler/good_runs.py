"""What runs leave behind for the drift alarm: how their pages were, and pages to look at.

A run that went well leaves `profile.json` and a page of each callback in `good/`; one with an alarm leaves the pages
it is about in `drift/`. The earlier runs of a spider are those whose folders lie beside its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from crawler.errors import OutputError
from crawler.file_names import open_inside, safe_name
from crawler.observe.drift import Visit
from crawler.observe.profile import Profile, Sample
from crawler.response import Response
from crawler.runs.folder import RunFolder

_PROFILE = "profile.json"
_GOOD = "good"
_BAD = "drift"
_RUNS = 10  # earlier ones that are compared with
_LARGEST_DATA = 10_000  # bytes of a request's data that are kept with its page
_SUFFIXES = {"json": ".json", "xml": ".xml", "html": ".html", "plain": ".txt", "csv": ".csv"}


class RunPages:
    """The pages that a run keeps. Without a folder it keeps none. What the disk does not take is not kept."""

    def __init__(self, folder: RunFolder | None) -> None:
        self._folder = folder

    def keep(self, name: str, response: Response) -> str:
        """Keep a page in `drift/`, under this name and a number if there are several; its path, or ""."""
        if self._folder is None:
            return ""
        path = _written(self._folder.ledger.parent / _BAD, name, response)
        return str(self._folder.path / _BAD / Path(path).name) if path else ""

    def keep_profiles(self, found: Sequence[tuple[Profile, dict[str, Visit]]], is_first: bool = False) -> None:
        """Leave behind what later runs are compared with; `is_first`: and with nothing that was before."""
        if self._folder is None:
            return
        self.forget_profiles()
        profiles = []
        for profile, pages in found:
            samples = {}
            for callback, (request, response) in pages.items():
                if path := _written(self._folder.ledger.parent / _GOOD, callback, response):
                    samples[callback] = Sample(
                        response.url,
                        Path(path).name,
                        response.status,
                        response.headers.get("content-type", ""),
                        request.data if len(msgspec.json.encode(request.data)) <= _LARGEST_DATA else None,
                    )
            profiles.append(msgspec.structs.replace(profile, samples=samples, is_first=is_first))
        place = self._folder.ledger.parent / _PROFILE
        with suppress(OSError):
            beside = place.with_suffix(".new")
            beside.write_bytes(msgspec.json.encode(profiles))
            os.replace(beside, place)

    def forget_profiles(self) -> None:
        """Leave nothing behind: an earlier part of this run may have."""
        if self._folder is not None:
            folder = self._folder.ledger.parent
            with suppress(OSError):
                (folder / _PROFILE).unlink(missing_ok=True)
                for page in (folder / _GOOD).glob("*"):
                    page.unlink()

    def history(self, spider: str) -> tuple[Profile, ...]:
        """How the last good runs beside this one were, the latest first."""
        if self._folder is None:
            return ()
        own = self._folder.ledger.parent
        found: list[tuple[float, Path]] = []
        for path in own.parent.glob(f"*/{_PROFILE}"):
            with suppress(OSError):
                if path.parent != own:
                    found.append((path.stat().st_mtime, path))
        profiles: list[Profile] = []
        for _, path in sorted(found, reverse=True)[:_RUNS]:
            with suppress(OSError, msgspec.MsgspecError):
                known = msgspec.json.decode(path.read_bytes(), type=list[Profile])
                profiles += [_with_places(one, path.parent / _GOOD) for one in known if one.spider == spider]
                if profiles and profiles[-1].is_first:
                    break
        return tuple(profiles)


def recall(sample: Sample) -> Response | None:
    """A page that an earlier run has kept; None if it is gone."""
    try:
        body = Path(sample.file).read_bytes()
    except OSError:
        return None
    fields = (("content-type", sample.content_type),) if sample.content_type else ()
    return Response(sample.url, sample.status, fields, body)


def _with_places(profile: Profile, folder: Path) -> Profile:
    samples = {
        callback: msgspec.structs.replace(sample, file=str(folder / Path(sample.file).name))
        for callback, sample in profile.samples.items()
    }
    return msgspec.structs.replace(profile, samples=samples)


def _written(folder: Path, name: str, response: Response) -> str:
    kind = response.headers.get("content-type", "text/html").partition(";")[0].lower()
    suffix = next((suffix for word, suffix in _SUFFIXES.items() if word in kind), ".bin")
    stem = safe_name(name, 100)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in range(1, 100):
            path = folder / f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"
            with suppress(FileExistsError), open_inside(folder, path.name) as file:
                file.write(response.body)
                return str(path)
    except (OSError, OutputError):
        pass
    return ""
