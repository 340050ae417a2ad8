"""The real child around a decoder that never comes to an end, however fast the machine."""

from typing import Any, NoReturn

from curation.preprocessing import video_child


def _endless(*_: Any, **__: Any) -> NoReturn:
    while True:
        pass


if __name__ == "__main__":
    video_child.frames_of = _endless
    video_child.main()
