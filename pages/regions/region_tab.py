"""The inspector's Regions: their numbers, any two against each other, and their files."""

from __future__ import annotations

from pages.regions import files
from pages.regions.kept import Kept
from pages.view.question import Question
from pages.view.scene import Scene


def show(scene: Scene, question: Question, kept: Kept) -> None:
    """Show what the regions are in numbers, and give and take their files."""
    del question
    files.show(scene.latents, kept)
