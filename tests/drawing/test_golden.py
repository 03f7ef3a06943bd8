"""Pictures are those that were looked at: compared from a little distance, as eyes do."""

import io

import numpy as np
import pytest
from PIL import Image

from epochwatch.drawing.draw import draw
from tests.drawing.pictures import GOLDEN, pictures

PICTURES = pictures()
DISTANCE = 4
"""Pixels that are seen as one."""


def seen(png: bytes) -> np.ndarray:
    """The picture from that distance: red, green and blue from 0 to 255."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return np.asarray(image.reduce(DISTANCE), float)


def test_every_picture_was_looked_at() -> None:
    assert {path.stem for path in GOLDEN.glob("*.png")} == set(PICTURES)


@pytest.mark.parametrize("name", list(PICTURES))
def test_a_picture_is_as_it_was_when_it_was_looked_at(name: str) -> None:
    drawn, golden = seen(draw(PICTURES[name])), seen((GOLDEN / f"{name}.png").read_bytes())
    assert drawn.shape == golden.shape
    difference = np.abs(drawn - golden)
    assert difference.mean() < 1.0
    assert np.quantile(difference, 0.999) < 40


def test_another_picture_is_told_from_it() -> None:
    golden = seen((GOLDEN / "lines-light.png").read_bytes())
    for other in ("stacked-light", "lines-dark", "many-light", "band-light", "annotations-light"):
        assert np.abs(seen(draw(PICTURES[other])) - golden).mean() > 2


def test_the_same_picture_has_the_same_bytes() -> None:
    assert draw(PICTURES["lines-light"]) == draw(PICTURES["lines-light"])
