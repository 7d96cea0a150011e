"""Signing in: by a session token where one is known, else by name and password, with a second factor where one is asked for."""

from __future__ import annotations

import binascii
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp

from medianest_core.sdk import AuthFailed, InvalidResponse, RateLimited, Secret
from medianest_uptimekuma.settings import KumaSettings, is_code

Call = Callable[..., Awaitable[Any]]
PAUSE = 60.0
_STEP = 30
_STRANGE = "The address answers, but not like Uptime Kuma."

_tokens: dict[str, str] = {}
"""Sessions of this process, so that a code that counts once opens more than the test of the settings."""


@dataclass(frozen=True)
class Credentials:
    """Who signs in where."""

    url: str
    username: str | None
    password: Secret | None
    second_factor: Secret | None
    session_token: Secret | None

    @classmethod
    def of(cls, settings: KumaSettings) -> Credentials:
        return cls(
            settings.base_url(),
            settings.username,
            settings.password,
            settings.second_factor,
            settings.session_token,
        )

    @property
    def _place(self) -> str:
        password = self.password.reveal() if self.password else ""
        return hashlib.sha256(f"{self.url}\0{self.username}\0{password}".encode()).hexdigest()

    def remembered(self) -> str | None:
        """The token of an earlier sign-in of this process."""
        return _tokens.get(self._place)

    def remember(self, token: str | None) -> None:
        if token is None:
            _tokens.pop(self._place, None)
        else:
            _tokens[self._place] = token


async def sign_in(call: Call, credentials: Credentials) -> None:
    """Sign in. call(event, *args) gives the answer. Raises AuthFailed, RateLimited, InvalidResponse."""
    given = credentials.session_token
    for token in filter(None, [credentials.remembered(), given.reveal() if given else None]):
        if _welcomed(await call("loginByToken", token)):
            return
        credentials.remember(None)
    if credentials.username is None or credentials.password is None:
        raise AuthFailed(
            "Uptime Kuma does not accept the session token any more. Copy a new one and save it here."
        )
    answer = await _log_in(call, credentials, "")
    if answer.get("tokenRequired"):
        answer = await _second_factor(call, credentials)
    fresh = answer.get("token")
    credentials.remember(fresh if isinstance(fresh, str) else None)


async def _second_factor(call: Call, credentials: Credentials) -> dict[str, Any]:
    if not credentials.second_factor:
        raise AuthFailed(
            "Uptime Kuma asks for a second factor. Enter its secret key here, or use an API key instead."
        )
    for code in _codes(credentials.second_factor):
        answer = await _log_in(call, credentials, code)
        if answer.get("ok") is True:
            return answer
    if is_code(credentials.second_factor):
        raise AuthFailed(
            "Uptime Kuma does not accept the code of six digits any more. Enter a new one, or better its secret key."
        )
    raise AuthFailed(
        "Uptime Kuma refuses the second factor. Check its secret key, and that both clocks are right."
    )


async def _log_in(call: Call, credentials: Credentials, code: str) -> dict[str, Any]:
    """The answer where it is good, or one that asks for a code or another one."""
    password = credentials.password.reveal() if credentials.password else ""
    answer = await call("login", {"username": credentials.username, "password": password, "token": code})
    if not isinstance(answer, dict):
        raise InvalidResponse(_STRANGE)
    if answer.get("ok") is True or answer.get("tokenRequired"):
        return answer
    said = _said(answer)
    if code and ("authinvalidtoken" in said or "invalid token" in said):
        return answer
    raise AuthFailed("Uptime Kuma refuses the user name or password.")


def _welcomed(answer: Any) -> bool:
    if not isinstance(answer, dict):
        raise InvalidResponse(_STRANGE)
    _said(answer)
    return answer.get("ok") is True


def _said(answer: dict[str, Any]) -> str:
    said = str(answer.get("msg") or "").lower()
    if "too frequently" in said:
        raise RateLimited("Uptime Kuma was signed in to too often and wants a pause.", PAUSE)
    return said


def _codes(secret: Secret) -> Iterator[str]:
    """The code of now, then its neighbours: each counts once, and another process may have just used one."""
    if is_code(secret):
        yield re.sub(r"\s", "", secret.reveal())
        return
    key, now = secret_of(secret), time.time()
    assert key is not None
    for step in (0, 1, -1):
        yield pyotp.TOTP(key).at(now + step * _STEP)


def secret_of(given: Secret) -> str | None:
    """The secret key in what an admin pasted: the key itself, with or without gaps, or an otpauth address."""
    text = given.reveal().strip()
    if text.lower().startswith("otpauth://"):
        text = (parse_qs(urlsplit(text).query).get("secret") or [""])[0]
    key = re.sub(r"[\s-]", "", text).upper().rstrip("=")
    try:
        pyotp.TOTP(key).at(0)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= 8 else None
