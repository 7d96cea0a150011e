"""The data folder, the downloads folder, the key file, and the room on their disks."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from medianest_core.base.finding import Finding, ok, problem, warning
from medianest_core.base.settings import AppSettings
from medianest_core.base.texts import N_

GIB = 1024**3
LEAST = 1 * GIB
"""Below this the portal's own writes are in danger."""
LITTLE = 5 * GIB


def check(settings: AppSettings, *, least: int = LEAST, little: int = LITTLE) -> list[Finding]:
    """least, little: bytes free on a disk below which it is a problem, or a warning."""
    found: list[Finding] = []
    for name, folder in (
        (N_("data folder"), settings.data_dir.absolute()),
        (N_("downloads folder"), settings.downloads),
    ):
        there = writable(name, folder)
        found.append(there)
        found.append(_room(name, _nearest(folder), least, little))
    found += _keys(settings.data_dir.absolute() / "keys.json")
    return found


def _nearest(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if one.exists())


def writable(name: str, folder: Path) -> Finding:
    """Whether this account can keep something there, tried with a file. name: as the finding is called."""
    account = os.geteuid()
    if not folder.exists():
        parent = _nearest(folder)
        if os.access(parent, os.W_OK | os.X_OK):
            return ok(name, N_("{folder} is not there yet and can be made.").format(folder=folder))
        return problem(
            name,
            N_(
                "{folder} is not there, and the account with the number {account} may not make it in {parent}."
            ).format(folder=folder, account=account, parent=parent),
            N_(
                "Make it and give it to the account that runs the portal: `install -d -o ACCOUNT {folder}`."
            ).format(folder=folder),
        )
    if not folder.is_dir():
        return problem(
            name,
            N_("{folder} is no folder.").format(folder=folder),
            N_("Name another one, or move what is there away."),
        )
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".medianest-doctor-") as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        owner = folder.stat()
        return problem(
            name,
            N_(
                "{folder} cannot be written to by the account with the number {account}: {error}. It belongs to {owner}."
            ).format(
                folder=folder, account=account, error=error.strerror, owner=f"{owner.st_uid}:{owner.st_gid}"
            ),
            N_(
                "Give it to the account that runs the portal (`chown -R ACCOUNT {folder}`); in a container set PUID and PGID."
            ).format(folder=folder),
        )
    return ok(name, N_("{folder} can be written to.").format(folder=folder))


def _room(name: str, folder: Path, least: int, little: int) -> Finding:
    check = N_("disk of the {who}").format(who=name)
    free = shutil.disk_usage(folder).free
    text = N_("{free} GiB are free at {folder}.").format(free=f"{free / GIB:.1f}", folder=folder)
    if free < least:
        return problem(check, text, N_("Make room: new downloads are refused and the database may stop."))
    if free < little:
        return warning(check, text, N_("Make room soon."))
    return ok(check, text)


def _keys(path: Path) -> list[Finding]:
    from medianest_core.base.crypto import Keyring, KeyringUnreadable

    if not path.exists():
        return []  # Whether one is needed is for the database to say.
    try:
        Keyring.load_or_create(path)
    except KeyringUnreadable as error:
        return [problem(N_("keys"), str(error), N_("Put keys.json of the same backup as the database back."))]
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [
            warning(
                N_("keys"),
                N_("{path} can be read by other accounts.").format(path=path),
                f"`chmod 600 {path}`",
            )
        ]
    return [ok(N_("keys"), N_("The key file can be read."))]
