"""Secrets by reference: a notebook names one, and its value appears nowhere.

A plan lists the environment variables that hold secrets, and a notebook calls
``fiscalmodel.run.secrets.secret("NAME")`` where it needs one. The value is
never a parameter; should a cell print it, it is taken out of the executed
notebook, the reasons and the logs.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import os
from collections.abc import Iterable
from urllib.parse import quote

from fiscalmodel.errors import InputError

MASK = "•••"


def secret(name: str) -> str:
    """The secret in the environment variable `name`, or in the file that ``NAME_FILE`` names.

    Raises
    ------
    InputError
        If neither is set.
    """
    value = os.environ.get(name)
    file = os.environ.get(f"{name}_FILE")
    if value is None and file:
        try:
            with open(file, encoding="utf-8") as stream:
                value = stream.read().rstrip("\n")
        except OSError as error:
            raise InputError(
                f"{name}_FILE", "ground.cannot_be_read", reason=error.strerror
            ) from None
    if not value:
        raise InputError(name, "run.secret_not_set", name=name)
    return value


class Redactor:
    """Replaces values of secrets in text."""

    def __init__(self, values: Iterable[str]) -> None:
        forms: set[str] = set()
        for value in values:
            # A very short value would mask half of the text.
            if len(value) < 4:
                continue
            plain = {value, repr(value)[1:-1], html.escape(value), quote(value), quote(value, "")}
            plain.add(base64.b64encode(value.encode()).decode())
            for form in plain:
                forms |= {
                    form,
                    json.dumps(form)[1:-1],
                    json.dumps(form, ensure_ascii=False)[1:-1],
                }
        self.forms = sorted(forms, key=len, reverse=True)

    @classmethod
    def from_environment(cls, names: Iterable[str]) -> Redactor:
        """A redactor of the secrets with these names; unset ones are passed over."""
        values: list[str] = []
        for name in names:
            with contextlib.suppress(InputError):
                values.append(secret(name))
        return cls(values)

    def __call__(self, text: str) -> str:
        for form in self.forms:
            text = text.replace(form, MASK)
        return text
