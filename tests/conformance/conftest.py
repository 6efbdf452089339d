"""Where the suites are that nobody here wrote."""

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def data():
    """The folder of the suites; without it a test is skipped."""
    if not DATA.is_dir():
        pytest.skip(f"the suites are not there: {DATA}")
    return DATA
