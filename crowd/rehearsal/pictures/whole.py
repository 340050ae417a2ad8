"""Moves of all pixels of a picture: OpenCV's, which take a fraction of the time that Pillow's do."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]
Part = tuple[float, float, float, float]


def part_of(image: Image.Image, part: Part, size: Size) -> Image.Image:
    """Show a part (left, top, right, bottom in pixels) at a size."""
    left, top, right, bottom = part
    width, height = size
    across, down = (right - left) / width, (bottom - top) / height
    back = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shown = cv2.warpAffine(np.asarray(image), back, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return Image.fromarray(shown)


def lit(image: Image.Image, veil: Image.Image, gain: Sequence[float]) -> Pixels:
    """Multiply with a veil, whose 255 leaves a pixel as it is, and each channel with its gain."""
    dimmed = cv2.multiply(np.asarray(image), np.asarray(veil), scale=1 / 255)
    table = np.clip(np.arange(256)[:, None] * np.array(gain) + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(dimmed, table[:, None]), np.uint8)


def shaded(pixels: Pixels, shade: Pixels) -> Pixels:
    """Multiply with a small grey picture that is enlarged, whose 128 leaves a pixel as it is."""
    large = cv2.resize(shade, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(pixels, cv2.merge([large, large, large]), scale=1 / 128), np.uint8)


def enlarged(pixels: Pixels, size: Size, grain: Pixels) -> Image.Image:
    """Enlarge unless it has that size, then add a grain of it, whose 128 leaves a pixel as it is."""
    large = pixels if pixels.shape[1::-1] == size else cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    return Image.fromarray(cv2.addWeighted(large, 1, grain, 1, -128))


def blurred(image: Image.Image, deviation: float) -> Image.Image:
    return Image.fromarray(cv2.GaussianBlur(np.asarray(image), (0, 0), deviation))
