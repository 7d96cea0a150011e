"""How far downloads are, and in plain words why they do not move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from medianest_arr.models import QueueRow, instant
from medianest_core.sdk import N_


class Phase(IntEnum):
    """Where a download is. Of several, the one with the least progress speaks for all."""

    WAITING = 0
    DOWNLOADING = 1
    IMPORTING = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """What is on its way. share: 0 to 1 of all bytes. ends_at, began_at: epoch seconds. reason: why it does not move, "" where it does."""

    phase: Phase
    share: float
    began_at: float | None
    ends_at: float | None
    reason: str
    """A sentence, empty while all is well or only waiting."""
    note: str
    """What happens, for where there is no reason."""


# What appears in their messages (lower case), and what it means to a person.
_IMPORT = (
    ("not an upgrade", N_("What was downloaded is no better than what is there already.")),
    ("no files found", N_("Nothing in the download can be used.")),
    ("archive", N_("The download is still packed; it must be unpacked first.")),
    ("sample", N_("Only a sample was downloaded.")),
    ("access to the path", N_("{app} may not read the download, or may not write to its folder.")),
    ("permission", N_("{app} may not read the download, or may not write to its folder.")),
    ("not enough free space", N_("There is no space left on the disk.")),
    ("free space", N_("There is no space left on the disk.")),
    ("root folder", N_("The folder of the library is missing.")),
    ("remote path", N_("{app} does not see the folder of the download client; its path mapping is missing.")),
    (
        "does not exist",
        N_("{app} does not see the folder of the download client; its path mapping is missing."),
    ),
    ("matched", N_("{app} is not sure which title this is; someone must import it by hand.")),
    ("manual", N_("{app} is not sure which title this is; someone must import it by hand.")),
    ("unexpected", N_("{app} is not sure which title this is; someone must import it by hand.")),
    ("dangerous", N_("The download holds a file that could do harm.")),
    ("executable", N_("The download holds a file that could do harm.")),
)
_OTHER_IMPORT = N_("It is downloaded but cannot be imported: {reason}")


def progress(rows: Iterable[QueueRow], app: str) -> Progress | None:
    """Of the downloads of one request; None where there is none. Parts of one download count once."""
    downloads = {row.download_id or f"#{row.id}": row for row in rows}
    if not downloads:
        return None
    parts = list(downloads.values())
    total = sum(max(0.0, row.size) for row in parts)
    left = sum(min(max(0.0, row.sizeleft), max(0.0, row.size)) for row in parts)
    ends = [at for row in parts if (at := instant(row.estimated_completion_time)) is not None]
    began = [at for row in parts if (at := instant(row.added)) is not None]
    reason = next((text for row in parts if (text := reason_of(row, app))), "")
    phase = min(phase_of(row) for row in parts)
    return Progress(
        phase=phase,
        share=1 - left / total if total else float(phase is Phase.IMPORTING),
        began_at=min(began, default=None),
        ends_at=max(ends, default=None),
        reason=reason,
        note=_note(parts, phase),
    )


def phase_of(row: QueueRow) -> Phase:
    """Where one download is."""
    if row.status == "completed" or row.tracked_download_state in (
        "importPending",
        "importBlocked",
        "importing",
        "imported",
    ):
        return Phase.IMPORTING
    return Phase.WAITING if row.status in ("queued", "delay") else Phase.DOWNLOADING


def reason_of(row: QueueRow, app: str) -> str:
    """Why one download does not move; empty where it does."""
    client = row.download_client or N_("The download client")
    said = _said(row)
    if row.status == "paused":
        return N_("The download is paused in {who}.").format(who=client)
    if row.status == "downloadClientUnavailable":
        return N_("{who} does not answer, so the download cannot go on.").format(who=client)
    if row.status == "failed" or row.tracked_download_state in ("failed", "failedPending"):
        return N_("The download failed; another one is looked for.")
    if phase_of(row) is Phase.IMPORTING:
        blocked = row.tracked_download_state == "importBlocked"
        if not blocked and row.tracked_download_status == "ok":
            return ""
        return _import_trouble(said, app)
    if "stalled" in said.lower():
        return N_("The download is stalled: nobody offers the rest of it at present.")
    if row.status == "warning" or row.tracked_download_status in ("warning", "error"):
        return (
            N_("The download does not go on: {reason}").format(reason=said)
            if said
            else N_("The download does not go on; {who} does not say why.").format(who=client)
        )
    return ""


def _import_trouble(said: str, app: str) -> str:
    lowered = said.lower()
    for sign, sentence in _IMPORT:
        if sign in lowered:
            return sentence.format(app=app)
    if said:
        return _OTHER_IMPORT.format(reason=said)
    return N_("It is downloaded but waits to be imported by hand.")


def _said(row: QueueRow) -> str:
    messages = [text for message in row.status_messages for text in message.messages]
    return (row.error_message or next(iter(messages), ""))[:200]


def _note(parts: Sequence[QueueRow], phase: Phase) -> str:
    if phase is Phase.IMPORTING:
        return N_("It is downloaded and being imported.")
    if phase is Phase.WAITING:
        if all(row.status == "delay" for row in parts):
            return N_("It waits a while before it downloads, in case something better appears.")
        return N_("It waits in the queue of the download client.")
    return N_("It is being downloaded.")
