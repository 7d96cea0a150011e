"""The generations of Uptime Kuma that the simulator can be."""

from __future__ import annotations

from dataclasses import dataclass

_ENGLISH = {
    "authIncorrectCreds": "Incorrect username or password.",
    "authInvalidToken": "Invalid Token.",
    "successAdded": "Added Successfully.",
    "successEdited": "Saved.",
    "successPaused": "Paused Successfully.",
    "successResumed": "Resumed Successfully.",
    "successDeleted": "Deleted Successfully.",
}


@dataclass(frozen=True)
class Profile:
    """What differs. keys: messages are keys of the page's catalogue instead of English. incident_list: a page tells several."""

    name: str
    version: str
    second: bool
    incident_list: bool
    page_beats: int

    def words(self, key: str) -> dict[str, object]:
        """The `msg` of an answer, as this generation words it."""
        if self.second:
            return {"msg": key, "msgi18n": True}
        return {"msg": _ENGLISH.get(key, key)}


PROFILES = {
    "1.23": Profile("1.23", "1.23.16", second=False, incident_list=False, page_beats=50),
    "2.0": Profile("2.0", "2.0.2", second=True, incident_list=False, page_beats=100),
    "2": Profile("2", "2.5.3", second=True, incident_list=True, page_beats=100),
}
