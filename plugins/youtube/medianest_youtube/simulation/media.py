"""The site's films: a few short clips made by ffmpeg once, in the sizes and codecs a large site offers."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

SECONDS = 8
_RATE = 10
_H264 = (
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-g",
    "20",
    "-movflags",
    "+faststart",
)
_VP9 = (
    "-c:v",
    "libvpx-vp9",
    "-deadline",
    "realtime",
    "-cpu-used",
    "8",
    "-row-mt",
    "1",
    "-pix_fmt",
    "yuv420p",
)


class FfmpegMissing(RuntimeError):
    """No ffmpeg that could make the films."""


@dataclass(frozen=True)
class Stream:
    """One file of a clip, as the site lists it; itags are those people know from the real site."""

    itag: str
    ext: str
    vcodec: str
    acodec: str
    lines: int | None
    bitrate: int
    """Thousands of bits a second."""

    @property
    def media_type(self) -> str:
        return f"{'video' if self.lines else 'audio'}/{'mp4' if self.ext == 'm4a' else self.ext}"


STREAMS: tuple[Stream, ...] = (
    Stream("18", "mp4", "avc1.42001E", "mp4a.40.2", 360, 500),
    Stream("134", "mp4", "avc1.4d401e", "none", 360, 400),
    Stream("136", "mp4", "avc1.4d401f", "none", 720, 1500),
    Stream("137", "mp4", "avc1.640028", "none", 1080, 3500),
    Stream("243", "webm", "vp9", "none", 360, 350),
    Stream("247", "webm", "vp9", "none", 720, 1200),
    Stream("140", "m4a", "none", "mp4a.40.2", None, 96),
    Stream("251", "webm", "none", "opus", None, 64),
)
CLIPS: dict[str, tuple[str, int]] = {
    "dusk": ("c0=0x14213d:c1=0xe09f3e:c2=0x9e2a2b", 330),
    "moss": ("c0=0x132a13:c1=0x90a955:c2=0x31572c", 262),
}
UPRIGHT = "upright"


def ffmpeg() -> str:
    """The program; raises FfmpegMissing with what to do."""
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            found = imageio_ffmpeg.get_ffmpeg_exe()
        except RuntimeError as error:
            raise FfmpegMissing("install ffmpeg, or the Python package imageio-ffmpeg") from error
    return str(found)


async def make(folder: Path) -> dict[tuple[str, str], Path]:
    """All clips by (clip, itag). What an earlier start made is kept; starts at the same time make them once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".making").open("w", encoding="utf-8") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        return await _make(folder)


async def _make(folder: Path) -> dict[tuple[str, str], Path]:
    jobs = [_clip(folder, name, 1920, 1080, colours, tone) for name, (colours, tone) in CLIPS.items()]
    jobs.append(_clip(folder, UPRIGHT, 1080, 1920, "c0=0x3c096c:c1=0xff9e00:c2=0x240046", 392))
    made: dict[tuple[str, str], Path] = {}
    for clip in await asyncio.gather(*jobs):
        made |= clip
    return made


async def _clip(
    folder: Path, name: str, width: int, height: int, colours: str, tone: int
) -> dict[tuple[str, str], Path]:
    paths = {(name, one.itag): folder / f"{name}-{one.itag}.{one.ext}" for one in STREAMS}
    if all(path.is_file() for path in paths.values()):
        return paths
    work = folder / f".{name}.making"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    source = (
        # Drawn small and enlarged: drawing is what takes the time.
        f"gradients=s={width // 4}x{height // 4}:r={_RATE}:{colours}:n=3:speed=0.03:seed=4:d={SECONDS},"
        f"scale={width}:{height}:flags=fast_bilinear,noise=alls=4:allf=t"
    )
    portrait = height > width
    scale = {lines: f"scale={lines}:-2" if portrait else f"scale=-2:{lines}" for lines in (360, 720)}
    graph = f"[0:v]split=3[o][m][s];[m]{scale[720]},split=2[m1][m2];[s]{scale[360]},split=3[s1][s2][s3]"
    streams = {"18": "[s1]", "134": "[s2]", "136": "[m1]", "137": "[o]", "243": "[s3]", "247": "[m2]"}
    command = [
        *(
            ffmpeg(),
            "-hide_banner",
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-threads",
            "2",
            "-f",
            "lavfi",
            "-i",
            source,
        ),
        *("-f", "lavfi", "-i", f"sine=f={tone}:d={SECONDS},tremolo=f=2:d=0.6", "-filter_complex", graph),
    ]
    for one in STREAMS:
        if one.lines:
            command += ["-map", streams[one.itag], *(_VP9 if one.vcodec == "vp9" else _H264)]
            command += [
                "-b:v",
                f"{one.bitrate}k",
                "-maxrate",
                f"{one.bitrate}k",
                "-bufsize",
                f"{one.bitrate}k",
            ]
        if one.acodec != "none":
            command += ["-map", "1:a", *(("-c:a", "libopus") if one.acodec == "opus" else ("-c:a", "aac"))]
            command += ["-b:a", f"{one.bitrate if not one.lines else 96}k"]
        command.append(str(work / f"{name}-{one.itag}.{one.ext}"))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, told = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        raise RuntimeError(f"ffmpeg could not make the films: {told.decode(errors='replace')[-500:]}")
    for path in work.iterdir():
        path.replace(folder / path.name)
    work.rmdir()
    return paths
