"""How a resource declares its routes: each with its policy, in a list that the application is built from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query

from medianest_core.sdk.permissions import Policy

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
StateId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Of a state of the history.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before.")]


@dataclass(frozen=True, slots=True)
class Declared:
    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    policy: Policy
    status: int
    session_only: bool


class Resource:
    """tag: its heading in the OpenAPI document. prefix: of all its paths."""

    def __init__(self, tag: str, prefix: str = "") -> None:
        self.tag = tag
        self.prefix = prefix
        self.routes: list[Declared] = []

    def route(
        self, method: str, path: str, *, policy: Policy, status: int = 200, session_only: bool = False
    ) -> Callable[[F], F]:
        """session_only: not for API keys, e.g. what makes keys."""

        def declare(handler: F) -> F:
            self.routes.append(Declared(method, self.prefix + path, handler, policy, status, session_only))
            return handler

        return declare

    def get(self, path: str = "", *, policy: Policy, session_only: bool = False) -> Callable[[F], F]:
        return self.route("GET", path, policy=policy, session_only=session_only)

    def post(
        self, path: str = "", *, policy: Policy, status: int = 200, session_only: bool = False
    ) -> Callable[[F], F]:
        return self.route("POST", path, policy=policy, status=status, session_only=session_only)

    def put(self, path: str = "", *, policy: Policy, session_only: bool = False) -> Callable[[F], F]:
        return self.route("PUT", path, policy=policy, session_only=session_only)

    def patch(self, path: str = "", *, policy: Policy, session_only: bool = False) -> Callable[[F], F]:
        return self.route("PATCH", path, policy=policy, session_only=session_only)

    def delete(self, path: str = "", *, policy: Policy, session_only: bool = False) -> Callable[[F], F]:
        return self.route("DELETE", path, policy=policy, status=204, session_only=session_only)
