"""Moves of all pixels of a picture: OpenCV's, which take a fraction of the time that Pillow's do."""

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]
Part = tuple[float, float, float, float]
_FINEST = 3.0
"""As many pixels a wide blur is deviated by in the copy."""


def part_of(pixels: Pixels, part: Part, size: Size) -> Pixels:
    """Show a part (left, top, right, bottom in pixels) of what is out of focus at a size: finer than half is lost."""
    left, top, right, bottom = part
    width, height = half = size[0] // 2, size[1] // 2
    across, down = (right - left) / width, (bottom - top) / height
    back = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    small = cv2.warpAffine(pixels, back, half, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def lit(pixels: Pixels, light: Pixels) -> Pixels:
    """Multiply with a small picture that is enlarged, whose 128 leaves a pixel as it is."""
    large = cv2.resize(light, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(pixels, large, scale=1 / 128), np.uint8)


def enlarged(pixels: Pixels, size: Size, grain: Pixels, strength: float) -> Pixels:
    """Enlarge unless it has that size, then add a grey grain of it, whose 128 leaves a pixel as it is."""
    large = pixels if pixels.shape[1::-1] == size else cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(grain, cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(large, 1, grey, strength, -128 * strength), np.uint8)


def blurred(pixels: Pixels, deviation: float) -> Pixels:
    """Blur; widely in a small copy, in which it costs little."""
    size = pixels.shape[1::-1]
    shrink = min(deviation / _FINEST, *size)
    if shrink < 2:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), deviation), np.uint8)
    small = cv2.resize(pixels, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), _FINEST), size), np.uint8)


def lay(canvas: Pixels, at: tuple[int, int], source: Pixels, mask: Pixels) -> None:
    """Lay a picture on a canvas, its left upper corner here, as far as the mask lets it be seen."""
    (left, top), (height, width) = at, mask.shape
    x, y = max(0, -left), max(0, -top)
    seen = slice(y, min(height, canvas.shape[0] - top)), slice(x, min(width, canvas.shape[1] - left))
    part = canvas[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    if part.size:
        part[:] = _mixed(part, source[seen], mask[seen])


def _mixed(under: Pixels, over: Pixels, mask: Pixels) -> Pixels:
    weight = cv2.merge([mask, mask, mask])
    left = cv2.multiply(under, cv2.bitwise_not(weight), scale=1 / 255)
    return np.asarray(cv2.add(left, cv2.multiply(over, weight, scale=1 / 255)), np.uint8)
