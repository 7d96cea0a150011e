"""A real, short video: a grey frame that grows lighter for two seconds."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import lru_cache

import av
from PIL import Image

_RATE, _FRAMES = 5, 10
_SIZE = (320, 180)


@lru_cache(maxsize=1)
def clip() -> bytes:
    """An MP4 file."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(_RATE))
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(_FRAMES):
            shade = 40 + 12 * number
            image = Image.new("RGB", _SIZE, (shade, shade, shade))
            frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]  # it has no types
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()
