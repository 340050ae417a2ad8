"""The usual way to a storyboard: every frame through a pipe from ffmpeg as RGB, each tenth written as JPEG."""

from __future__ import annotations

import json
import sys

import imageio.v2 as imageio

from tests.bench.imaging.peer import processor_seconds


def main(clip: str, every: int) -> None:
    started = processor_seconds()
    with imageio.get_reader(clip, "ffmpeg", ffmpeg_params=["-threads", "1"]) as reader:
        for number, picture in enumerate(reader):
            if number % every == 0:
                imageio.imwrite("<bytes>", picture, format="jpg", quality=90)
    print(json.dumps({"processor seconds": processor_seconds() - started}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
