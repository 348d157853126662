"""Guards for ``pytest --nbval``: see the hooks below."""

from __future__ import annotations
