"""Addresses of mailboxes: what is taken for one, and how much of it is shown again."""

from __future__ import annotations

import re

from medianest_core.sdk import N_, UserError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


def checked(text: str) -> str:
    """One plain address; a domain outside ASCII in its IDNA form. Raises UserError."""
    local, _, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        domain = ""
    if len(local) > 64 or len(domain) > 253 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise UserError(N_("Enter one address such as ann@example.org."), "target")
    return f"{local}@{domain}"


def masked(address: str) -> str:
    """Enough for its owner to know it by."""
    local, _, domain = address.rpartition("@")
    return f"{local[:2]}{'…' if len(local) > 2 else ''}@{domain}"
