"""A plugin whose job takes steps, tells of each, and leaves exactly one mark. Copied to a module of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel

from medianest_core.sdk import ApiRoute, Contributions, Job, JobContext, Manifest, Request, Retry, hookimpl

manifest = Manifest("steps", title="Steps", api="1.0")


class Args(BaseModel):
    name: str
    steps: int = 3
    pause: float = 0.05


class Asked(BaseModel):
    job_id: str


async def walk(ctx: JobContext, args: Args) -> str:
    for step in range(args.steps):
        await ctx.progress(step + 1, args.steps, args.name)
        await asyncio.sleep(args.pause)
    assert ctx.plugin is not None
    with (ctx.plugin.data_dir / "marks.txt").open("a", encoding="utf-8") as marks:
        marks.write(f"{args.name}\n")
    return args.name


WALK = Job("walk", walk, Args, title="Walk", retry=Retry(attempts=3, delay=0.1))


async def ask(request: Request, body: Any) -> Asked:
    return Asked(job_id=await request.context.enqueue(WALK, body, owner=request.viewer.id))


@hookimpl
def register_contributions() -> Contributions:
    return [WALK, ApiRoute("POST", "walk", ask, Asked, Args)]
