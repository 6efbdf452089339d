"""The certificate authorities that are trusted: those of Mozilla, as `requests` has them."""

from __future__ import annotations

import certifi

CA_BUNDLE = certifi.where()  # a file, in PEM
