"""Everything the routes and events of one simulated Uptime Kuma share."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import pyotp

from medianest_core.testing.ledger import Ledger
from medianest_uptimekuma.simulation.limiter import Limiter
from medianest_uptimekuma.simulation.monitors import DAY, Beat, Monitor, document, made_up
from medianest_uptimekuma.simulation.profile import Profile

USER, PASSWORD = "admin", "long password"
_SIGNED_WITH = b"simulated"
HOUSEHOLD = (
    ("Media", "group", None),
    ("Plex", "http", "Media"),
    ("Seerr", "http", "Media"),
    ("Radarr", "http", "Media"),
    ("Sonarr", "http", "Media"),
    ("Network", "group", None),
    ("Router", "ping", "Network"),
    ("DNS", "port", "Network"),
    ("Website", "keyword", None),
    ("Photo backup", "push", None),
    ("Old NAS", "http", None),
)


@dataclass
class ApiKey:
    """name: as an admin called it. clear: what is sent with `/metrics`."""

    id: int
    name: str
    clear: str
    active: bool = True
    expires: str | None = None


@dataclass
class World:
    """One Uptime Kuma. history: made-up checks of each monitor before the start; depth: days before these of which there are counts."""

    profile: Profile
    ledger: Ledger
    seed: int = 7
    history: int = 100
    depth: int = 0
    secret: str | None = None
    """Of the second factor; None where there is none."""
    password: str = PASSWORD
    auth_disabled: bool = False
    monitors: dict[int, Monitor] = field(default_factory=dict)
    keys: dict[int, ApiKey] = field(default_factory=dict)
    notifications: dict[int, dict[str, Any]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    """Calls that are never answered."""
    ahead: float = 0.0

    def __post_init__(self) -> None:
        self.started = time.time()
        self.logins = Limiter(20, self.now)
        self.second_factors = Limiter(30, self.now)
        self.key_uses = Limiter(60, self.now)
        self._last_code = ""
        self._ids = 0

    def now(self) -> float:
        """Epoch seconds, by a clock that a test may put forward."""
        return time.time() + self.ahead

    def stamp(self, at: float) -> str:
        """A time as Uptime Kuma writes it: UTC, and does not say so."""
        whole = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
        return f"{whole}.{int(at % 1 * 1000):03d}"

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    # People

    def sign_in(self, username: str, password: str, code: str) -> dict[str, object]:
        """The answer to a sign-in."""
        if not self.logins.take():
            return {"ok": False, "msg": "Too frequently, try again later."}
        if (username, password) != (USER, self.password):
            return {"ok": False, **self.profile.words("authIncorrectCreds")}
        if self.secret is None:
            return {"ok": True, "token": self.token()}
        if not code:
            return {"tokenRequired": True}
        if not self.second_factors.take():
            return {"ok": False, "msg": "Too frequently, try again later."}
        # A code counts once, and may be one step early or late.
        if code == self._last_code or not pyotp.TOTP(self.secret).verify(code, valid_window=1):
            return {"ok": False, **self.profile.words("authInvalidToken")}
        self._last_code = code
        return {"ok": True, "token": self.token()}

    def token(self) -> str:
        """What stands for a sign-in until the password is changed."""
        digest = hashlib.sha256(self.password.encode()).hexdigest()[:16]
        body = f"{_coded({'alg': 'HS256', 'typ': 'JWT'})}.{_coded({'username': USER, 'h': digest})}"
        sign = hmac.new(_SIGNED_WITH, body.encode(), hashlib.sha256).digest()
        return f"{body}.{base64.urlsafe_b64encode(sign).decode().rstrip('=')}"

    def add_key(self, name: str, expires: str | None = None) -> ApiKey:
        """A new API key; from the first one on, `/metrics` takes only keys."""
        identifier = len(self.keys) + 1
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        clear = f"uk{identifier}_" + "".join(
            random.Random(self.seed * 31 + identifier).choices(letters, k=40)
        )
        self.keys[identifier] = ApiKey(identifier, name, clear, expires=expires)
        return self.keys[identifier]

    # Monitors

    def add(self, name: str, **values: Any) -> Monitor:
        """A new monitor; values: fields of `Monitor`."""
        identifier = max(self.monitors, default=0) + 1
        self.monitors[identifier] = Monitor(identifier, name, **values)
        return self.monitors[identifier]

    def beats(self, monitor: Monitor) -> list[Beat]:
        """All checks of a monitor, oldest first."""
        return monitor.beats(self._made_up)

    def _made_up(self, monitor: Monitor) -> list[Beat]:
        first, self._ids = self._ids + 1, self._ids + self.history
        return made_up(monitor, self.history, self.started, first, self.seed)

    def document(self, monitor: Monitor, *, away: bool = False) -> dict[str, Any]:
        """What a signed-in page is told. away: it is in maintenance."""
        path, above = [monitor.name], monitor.parent
        while above is not None and above in self.monitors and len(path) < 20:
            path.insert(0, self.monitors[above].name)
            above = self.monitors[above].parent
        children = (
            [one.id for one in self.monitors.values() if one.parent == monitor.id] if self._nested else []
        )
        body = document(monitor, self.profile, path, children, maintenance=away)
        body["notificationIDList"] = {
            str(key): True
            for key, value in self.notifications.items()
            if value.get("isDefault") or value.get("applyExisting")
        }
        return body

    @property
    def _nested(self) -> bool:
        return len(self.monitors) <= 200

    def uptime(self, monitor: Monitor, seconds: float) -> float:
        """Ratio of checks that were fine within the last `seconds`."""
        since = self.now() - seconds
        rows = [beat for beat in self.beats(monitor) if beat.at >= since]
        return sum(beat.status in (1, 3) for beat in rows) / len(rows) if rows else 0.0

    def average(self, monitor: Monitor) -> float | None:
        """Mean of the pings of the last day, milliseconds."""
        since = self.now() - DAY
        pings = [
            beat.ping for beat in self.beats(monitor)[-1440:] if beat.ping is not None and beat.at >= since
        ]
        if not pings:
            return None
        mean = sum(pings) / len(pings)
        return mean if self.profile.second else round(mean)


def furnish(world: World, count: int | None) -> None:
    """A household's monitors, or `count` plain ones."""
    if count is not None:
        for index in range(count):
            world.add(
                f"Service {index + 1:04d}",
                url=f"https://service-{index + 1}.example/health?token=hidden",
                pace=20 + index % 60,
                certificate_days=None if index % 3 else 10 + index % 80,
            )
        return
    named: dict[str, int] = {}
    for name, kind, above in HOUSEHOLD:
        values: dict[str, Any] = {"type": kind, "parent": named.get(above) if above else None}
        slug = name.lower().replace(" ", "-")
        if kind in ("http", "keyword"):
            values |= {"url": f"https://{slug}.home.example/", "certificate_days": 20 + 7 * len(named)}
        elif kind in ("ping", "port"):
            values |= {"hostname": "192.168.1.1", "port": 53 if kind == "port" else None, "pace": 3}
        elif kind == "push":
            values |= {"push_token": "pushTokenOfPhotoBackup01"}
        named[name] = world.add(name, **values).id
    world.monitors[named["Old NAS"]].active = False
    world.monitors[named["Seerr"]].maxretries = 1


def _coded(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
