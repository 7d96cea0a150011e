"""Identifiers and unguessable tokens."""

from __future__ import annotations

import hashlib
import secrets
import uuid


def new_id() -> str:
    """36 characters, unique; not a secret."""
    return str(uuid.uuid4())


def new_token(size: int = 32) -> str:
    """URL-safe text from `size` random bytes."""
    return secrets.token_urlsafe(size)


def token_hash(token: str) -> str:
    """How a token is stored: 64 hex characters. The tokens are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
