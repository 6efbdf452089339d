"""Where the pages of a run are."""

from __future__ import annotations

from pathlib import Path

from crawler.settings import Settings


def places_of(kept: Path, settings: Settings) -> list[Path]:
    """The archives that may have them: what the run kept in its folder, what it recorded, what it was replayed from.

    Those that are there. `kept` is the first of them, and may have only a part (`run.keep_pages = failed`).
    """
    own = settings.run
    return [place for place in (kept, *(Path(path) for path in (own.record, own.replay) if path)) if place.exists()]
