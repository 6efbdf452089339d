"""Imported by a fork server that `context` gave other memory, and nowhere else: what it was started with for that is
not for its children, which may be the user's own, and start programs.
"""

from __future__ import annotations

import os

from crawler.pool.context import MEMORY

os.environ.pop(MEMORY[0], None)
