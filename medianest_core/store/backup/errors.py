"""What a backup or a restore can refuse."""

from __future__ import annotations

from medianest_core.sdk.errors import MediaNestError


class BackupFailed(MediaNestError):
    """No backup was made; the message says why. Nothing is left behind."""


class Damaged(MediaNestError):
    """The archive is not whole, or is not what we would have written. Nothing was changed."""


class WrongPassphrase(MediaNestError):
    """The archive is encrypted, and the passphrase is missing or wrong."""


class CannotRestore(MediaNestError):
    """The archive is sound but does not fit here, e.g. it was made by a newer version. Nothing was changed."""


class Stopped(MediaNestError):
    """Somebody called it off."""
