"""A mark in the corner of pictures that shows that they are generated."""

import numpy as np

LETTERS = ("......." + ".#..###" + "#.#..#." + "###..#." + "#.#..#." + "#.#.###" + ".......").replace(".", "0").replace("#", "1")
MARK = np.pad(np.array([*LETTERS], int).reshape(7, 7) * 255, ((0, 0), (1, 1))).astype(np.uint8)  # AI, white on black
SHARE = 9  # heights of the mark that a picture has at least


def marked(images: np.ndarray) -> np.ndarray:
    """Returns uint8 images [..., H, W, C] with the letters AI in the lower right corner, as large as fit nine times into the height.

    Raises:
      ValueError: for images smaller than the mark, 7 x 9 pixels.

    >>> marked(np.zeros((2, 64, 64, 3), np.uint8))[:, -7:, -9:, 0].any(axis=(1, 2)).tolist()
    [True, True]
    """
    height, width = images.shape[-3:-1]
    if height < MARK.shape[0] or width < MARK.shape[1]:
        found = f"{height} x {width}"
        raise ValueError(f"expected images of {MARK.shape[0]} x {MARK.shape[1]} pixels or more to mark, found {found}; enlarge them")
    scale = max(1, min(height // (SHARE * MARK.shape[0]), width // MARK.shape[1]))
    mark = MARK.repeat(scale, axis=0).repeat(scale, axis=1)[..., None]
    result = images.copy()
    result[..., height - mark.shape[0] :, width - mark.shape[1] :, :] = mark
    return result
