"""The links in the JSON API."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from medianest_core.builtin.links import shelf
from medianest_core.builtin.links.link import EVERYONE, Link, Wanted, visible
from medianest_core.sdk import Request


class LinkIn(BaseModel):
    """role: "" for everyone, else "admin". group: "" for none."""

    title: str = Field(max_length=200)
    url: str = Field(max_length=2100)
    icon: str = Field("link", max_length=40)
    group: str = Field("", max_length=200)
    role: str = Field(EVERYONE, max_length=40)


class LinkChange(LinkIn):
    """version: as it was read; another one is answered with 409."""

    version: int


class LinkOut(LinkIn):
    id: str
    version: int


class Links(BaseModel):
    links: list[LinkOut]


class Step(BaseModel):
    to: Literal["up", "down"]


async def list_links(request: Request, body: None) -> Links:
    found = visible(await shelf.everything(request.context), request.viewer)
    return Links(links=[_out(link) for link in found])


async def add(request: Request, body: LinkIn) -> LinkOut:
    return _out(await shelf.add(request.context, _wanted(body)))


async def change(request: Request, body: LinkChange) -> LinkOut:
    identifier = request.path_params["id"]
    return _out(await shelf.change(request.context, identifier, _wanted(body), body.version))


async def move(request: Request, body: Step) -> Links:
    await shelf.move(request.context, request.path_params["id"], body.to == "up")
    return await list_links(request, None)


async def remove(request: Request, body: None) -> Links:
    await shelf.remove(request.context, request.path_params["id"])
    return await list_links(request, None)


def _wanted(body: LinkIn) -> Wanted:
    return Wanted(body.title, body.url, body.icon, body.group, body.role)


def _out(link: Link) -> LinkOut:
    return LinkOut(
        id=link.id,
        version=link.version,
        title=link.title,
        url=link.url,
        icon=link.icon,
        group=link.group,
        role=link.role,
    )
