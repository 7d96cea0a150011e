"""How a job's failure is told: to its owner in a sentence, to admins with what a developer needs."""

from __future__ import annotations

from medianest_core.base.texts import N_

MISTAKE = N_(
    "The portal or a plugin made a mistake here. Try it again; if it fails again, tell an admin this job's number."
)


def mistake(error: BaseException) -> str:
    """What is stored for an error that nobody foresaw: the sentence, and below it the kind of error and its text."""
    return f"{MISTAKE}\n{type(error).__name__}: {error}"


def for_owner(text: str | None) -> str | None:
    """The sentence alone."""
    return text.partition("\n")[0] if text else text


def details(text: str | None) -> str:
    """What stands below the sentence; empty where it says all."""
    return (text or "").partition("\n")[2]
