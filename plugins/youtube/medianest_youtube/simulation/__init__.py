"""A small video site on loopback: what `simulator` is made of, and the extractor by which yt-dlp reads it."""
