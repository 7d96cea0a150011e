"""What a simulated route raises instead of answering."""

from __future__ import annotations


class Refusal(Exception):
    """An error in Seerr's usual form: a status and {"message"}. 202 is one of them: understood, and nothing was made."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class NotAllowed(Exception):
    """The other form: wrong key, unknown person, or a right that is missing."""
