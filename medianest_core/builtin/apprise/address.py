"""Apprise addresses: which we take, and how little of them is shown again.

Only services that are reached over HTTP: their requests pass the portal's own proxy, which knows where they may go. Options that
name files of this machine are refused.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from medianest_core.sdk import N_, UserError

SERVICES = {
    "apprise": "Apprise",
    "apprises": "Apprise",
    "bark": "Bark",
    "barks": "Bark",
    "discord": "Discord",
    "flock": "Flock",
    "form": "Form",
    "forms": "Form",
    "gotify": "Gotify",
    "gotifys": "Gotify",
    "hassio": "Home Assistant",
    "hassios": "Home Assistant",
    "ifttt": "IFTTT",
    "join": "Join",
    "json": "JSON",
    "jsons": "JSON",
    "kodi": "Kodi",
    "kodis": "Kodi",
    "matrix": "Matrix",
    "matrixs": "Matrix",
    "mmost": "Mattermost",
    "mmosts": "Mattermost",
    "ncloud": "Nextcloud",
    "nclouds": "Nextcloud",
    "nctalk": "Nextcloud Talk",
    "nctalks": "Nextcloud Talk",
    "ntfy": "ntfy",
    "ntfys": "ntfy",
    "pbul": "Pushbullet",
    "pover": "Pushover",
    "prowl": "Prowl",
    "pushed": "Pushed",
    "rocket": "Rocket.Chat",
    "rockets": "Rocket.Chat",
    "schan": "ServerChan",
    "signal": "Signal",
    "signals": "Signal",
    "simplepush": "SimplePush",
    "slack": "Slack",
    "synology": "Synology Chat",
    "synologys": "Synology Chat",
    "tgram": "Telegram",
    "wxteams": "Webex Teams",
    "xml": "XML",
    "xmls": "XML",
    "zulip": "Zulip",
}
_FILES = ("file", "template", "attach", "config", "include")


def checked(text: str) -> str:
    """One address of a service we take. Raises UserError."""
    address = text.strip()
    scheme, _, rest = address.partition("://")
    if not rest or any(ord(letter) < 33 or ord(letter) == 127 for letter in address):
        raise UserError(N_("Enter an Apprise address such as ntfys://ntfy.sh/my-secret-topic."), "target")
    if scheme.lower() not in SERVICES:
        raise UserError(
            N_("{scheme}:// is not among the services that can be used here.").format(scheme=scheme[:20]),
            "target",
        )
    try:
        names = [name.lower() for name, _ in parse_qsl(urlsplit(address).query, keep_blank_values=True)]
    except ValueError:
        names = [_FILES[0]]
    if any(word in name for name in names for word in _FILES):
        raise UserError(N_("Leave out options that name files."), "target")
    return address


def masked(address: str) -> str:
    """The name of the service: everything else may be a secret."""
    scheme = address.partition("://")[0].lower()
    return f"{SERVICES.get(scheme, scheme)} ({scheme}://…)"
