"""The inspector's Regions: their numbers, any two against each other, and their files."""

from __future__ import annotations

from pages.regions import files, numbers
from pages.regions.kept import Kept
from pages.view.question import Question
from pages.view.scene import Scene


def show(scene: Scene, question: Question, kept: Kept, values: numbers.Values) -> None:
    """Show what the regions are in numbers, and give and take their files."""
    numbers.show(kept, values)
    files.show(scene, question, kept)
