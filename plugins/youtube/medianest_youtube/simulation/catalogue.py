"""What the simulated video site holds: channels, videos and playlists, the same for the same seed."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field, replace

_ALPHABET = string.ascii_letters + string.digits + "-_"

# One of each kind of trouble, with ids that people can read in a log. `error` is what the real site would say.
_TROUBLE: tuple[tuple[str, str, str, str | None], ...] = (
    (
        "privateVid0",
        "A private rehearsal",
        "private",
        "Private video. Sign in if you've been granted access to this video",
    ),
    (
        "removedVid0",
        "Taken down again",
        "removed",
        "Video unavailable. This video has been removed by the uploader",
    ),
    ("liveStream0", "Harbour camera, live", "live", None),
    ("upcomingVd0", "The big pie premiere", "upcoming", "Premieres in 3 hours"),
    (
        "botCheckVd0",
        "Behind the bot check",
        "bot_check",
        "Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication",
    ),
    (
        "ageCheckVd0",
        "Behind the age check",
        "age",
        "Sign in to confirm your age. This video may be inappropriate for some users.",
    ),
    (
        "regionLock0",
        "Not shown here",
        "region",
        "The uploader has not made this video available in your country",
    ),
    (
        "membersVid0",
        "For members",
        "members",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
    ),
)
HOSTILE_ID = "hostileTtl0"
HOSTILE_TITLE = '../../etc/passwd; rm -rf "$HOME" `id` | \u202egpj.exe \\..\\CON <b>& %(id)s 🎬' + "é" * 120

_CHANNELS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Harbour Kitchen",
        "harbourkitchen",
        (
            "Bread from yesterday's porridge",
            "Three soups for a wet week",
            "The honest fish pie",
            "Pickles in ten minutes",
            "One pan, six eggs",
            "Plum cake by the window",
            "Sharpening knives without fear",
            "What the market had in March",
        ),
    ),
    (
        "Tinker Shed",
        "tinkershed",
        (
            "A radio from a biscuit tin",
            "Fixing the clock that ran backwards",
            "Solder joints under the microscope",
            "The bicycle lamp that lasted",
            "Quiet fans for a loud cupboard",
            "A weather station for the balcony",
            "Hinges, explained slowly",
        ),
    ),
    (
        "Slow Maps",
        "slowmaps",
        (
            "Along the canal before sunrise",
            "Two trains and a ferry",
            "The old pass, on foot",
            "Islands at low tide",
            "A night in the lock keeper's house",
            "Bridges of one small river",
        ),
    ),
)
_WALKS = ("Morning", "Evening", "Winter", "Harbour", "Forest", "Hillside", "Station", "Meadow")


@dataclass(frozen=True)
class Channel:
    id: str
    name: str
    handle: str
    videos: tuple[str, ...] = ()
    shorts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Video:
    """`kind` is "ok", "short" or a kind of trouble; `error` what the site says instead of showing it. day: YYYYMMDD."""

    id: str
    title: str
    channel: str
    clip: str
    day: str
    kind: str = "ok"
    error: str | None = None
    description: str = ""

    @property
    def playable(self) -> bool:
        return self.kind in ("ok", "short")


@dataclass(frozen=True)
class Playlist:
    id: str
    title: str
    channel: str
    videos: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    videos: dict[str, Video] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    playlists: dict[str, Playlist] = field(default_factory=dict)

    def channel(self, name: str) -> Channel | None:
        """By id or by handle, with or without the @."""
        wanted = name.removeprefix("@").lower()
        return next((one for one in self.channels.values() if name == one.id or wanted == one.handle), None)

    def publish(self, channel: Channel, title: str, day: str) -> Video:
        """A new video of the channel, which stands first there. It shows what the channel's newest one showed before."""
        clip = self.videos[channel.videos[0]].clip
        video = Video(f"newVideo{len(self.videos):03}", title, channel.id, clip, day)
        self.videos[video.id] = video
        self.channels[channel.id] = replace(channel, videos=(video.id, *channel.videos))
        return video


def build(items: int, seed: int, clips: tuple[str, ...], upright: str) -> Catalogue:
    """A site of three channels and at least `items` videos; `clips` are shared out among them, Shorts show `upright`."""
    dice = random.Random(seed)
    result = Catalogue()

    def identifier(length: int = 11, prefix: str = "") -> str:
        return prefix + "".join(dice.choice(_ALPHABET) for _ in range(length))

    def day() -> str:
        return f"{dice.randint(2019, 2025)}{dice.randint(1, 12):02}{dice.randint(1, 28):02}"

    def add(video: Video) -> str:
        result.videos[video.id] = video
        return video.id

    made: list[Channel] = []
    for name, handle, titles in _CHANNELS:
        channel = Channel(identifier(22, "UC"), name, handle)
        ids = tuple(
            add(
                Video(
                    identifier(),
                    title,
                    channel.id,
                    clips[place % len(clips)],
                    day(),
                    description=f"{title}.\nFrom {name}, filmed on a quiet afternoon.",
                )
            )
            for place, title in enumerate(titles)
        )
        made.append(Channel(channel.id, name, handle, ids))
    kitchen, shed, maps = made
    shorts = tuple(
        add(Video(f"shortClip_{n}", title, shed.id, upright, day(), kind="short"))
        for n, title in enumerate(("Spark!", "One screw too many", "It fits"), start=1)
    )
    shed = Channel(shed.id, shed.name, shed.handle, shed.videos, shorts)
    for video_id, title, kind, error in _TROUBLE:
        add(Video(video_id, title, shed.id, clips[0], day(), kind, error))
    add(
        Video(
            HOSTILE_ID,
            HOSTILE_TITLE,
            shed.id,
            clips[0],
            "20240229",
            description="A title nobody should trust.",
        )
    )
    walks = tuple(
        add(
            Video(
                identifier(),
                f"{_WALKS[n % len(_WALKS)]} walk no. {n + 1}",
                maps.id,
                clips[n % len(clips)],
                day(),
            )
        )
        for n in range(max(500, items - len(result.videos)))
    )
    maps = Channel(maps.id, maps.name, maps.handle, (*maps.videos, *walks))
    for channel in (kitchen, shed, maps):
        result.channels[channel.id] = channel
    for title, owner, videos in (
        ("Harbour Kitchen: the first season", kitchen, kitchen.videos[:6]),
        (
            "Odds and ends",
            shed,
            (
                shed.videos[0],
                "privateVid0",
                shed.videos[1],
                "removedVid0",
                shed.videos[2],
                kitchen.videos[6],
            ),
        ),
        ("Tonight", shed, (shed.videos[3], "liveStream0", "upcomingVd0")),
        ("Every walk", maps, walks[:500]),
    ):
        playlist = Playlist(identifier(32, "PL"), title, owner.id, tuple(videos))
        result.playlists[playlist.id] = playlist
    return result
