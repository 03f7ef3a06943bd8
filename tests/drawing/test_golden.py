"""Pictures are those that were looked at: compared from a little distance, as eyes do."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from epochwatch.drawing.draw import draw
from epochwatch.model.dashboard.picture import Curve, Picture
from tests.drawing.pictures import END, GOLDEN, picture, pictures

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


def noisy(count: int, spike: int, **properties: Any) -> Picture:
    """A value each second, one of them far above the others."""
    moments = np.arange(END - count, END)
    values = np.random.default_rng(7).random(count)
    values[spike] = 30.0
    drawn = picture([Curve("noise", moments, values, "#1f77b4", number=1.0)], **properties)
    return replace(drawn, start=END - count)


@pytest.mark.parametrize("properties", [{}, {"stacked": True}, {"view": "singleValue"}], ids=str)
def test_very_many_points_are_drawn_and_a_single_peak_among_them_is_seen(properties: dict[str, Any]) -> None:
    width = 440
    plain = np.asarray(Image.open(io.BytesIO(draw(noisy(400_000, 0, **properties)))).convert("L"), float)
    peaked = np.asarray(Image.open(io.BytesIO(draw(noisy(400_000, 300_000, **properties)))).convert("L"), float)
    columns = np.flatnonzero(np.abs(plain - peaked).max(axis=0) > 50)
    assert any(width * 0.65 < column < width * 0.85 for column in columns)
