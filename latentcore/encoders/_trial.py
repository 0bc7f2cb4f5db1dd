"""What a program takes and gives, found out by trying: most files don't say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from latentcore.encoders._tiles import tile_for
from latentcore.encoders.programs import Program
from latentcore.errors import CheckpointError

Shape = tuple[int, ...]

# Image and video encoders take colors; those that take gray alone refuse them.
_CHANNELS = (3, 1)
# A traced program may have been made for one number of samples only.
_MOST_FIXED = 64
_FEW = 8
_MOST_BYTES = 4 << 30
# Activations of a convolutional encoder against its input: some 32 channels at full resolution.
_ACTIVATIONS = 32
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Fit:
    """How samples go through a program.

    Attributes
    ----------
    input_shape : tuple of int
        (C, H, W) or (C, T, H, W) of a prepared sample.
    as_clip : bool
        Whether a picture is handed over as a clip of one frame.
    feature_shape : tuple of int
        (C', h, w), (C', T', h, w) or (d,) of what comes out for one sample.
    tile : int
        Samples per pass, with which none depends on the others.
    fixed : bool
        Whether the program takes no other number.
    """

    input_shape: Shape
    as_clip: bool
    feature_shape: Shape
    tile: int
    fixed: bool


class _UnfitError(Exception):
    """The program doesn't take that."""


def try_program(program: Program, guess: Shape | None, device: torch.device, file: str) -> Fit:
    """Find the shape and number of samples that a program takes, and what comes out.

    Parameters
    ----------
    guess : tuple of int or None
        (C, H, W) or (C, T, H, W) of the samples given; other channels are tried too.
    file : str
        For messages.

    Raises
    ------
    CheckpointError
        If it takes nothing of the kind, or gives other features each time.
    """
    trials = [
        _Trial(program, shape, as_clip, device, file)
        for shape, as_clip in _shapes(program.sides, guess, file)
    ]
    failure = ""
    for trial, tile in _attempts(trials, program.sides):
        try:
            features = trial.features(trial.zeros(tile))
        except _UnfitError as error:
            failure = str(error)
            continue
        settled = trial.settled(tile)
        fixed = settled not in (trial.usual_tile, 1)
        return Fit(trial.shape, trial.as_clip, tuple(features.shape[1:]), settled, fixed)
    tried = " or ".join("×".join(map(str, trial.shape)) for trial in trials)
    message = (
        f"The program {file!r} takes no samples of {tried} (channels first): {failure}. Give the "
        "size it was made for (⟨resolution⟩ H W; for videos ⟨reader⟩ video:frames=T), or another "
        "checkpoint."
    )
    raise CheckpointError(message)


def features_of(output: object) -> torch.Tensor:
    """Return the features of a program's output: the tensor, or the first of several."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor) or output.ndim < 2:
        message = f"it gives {_described(output)}, not features of shape (b, C, …)"
        raise _UnfitError(message)
    if not output.is_floating_point():
        message = f"it gives {output.dtype}; whole numbers are tokens, not latents"
        raise _UnfitError(message)
    return output


@dataclass(frozen=True, eq=False)
class _Trial:
    program: Program
    shape: Shape
    as_clip: bool
    device: torch.device
    file: str

    @property
    def usual_tile(self) -> int:
        return tile_for(self.device, _ACTIVATIONS * _FLOAT_BYTES * math.prod(self.shape))

    @property
    def most(self) -> int:
        """How many samples may be tried at once, for the memory that they would take."""
        bytes_per_sample = _ACTIVATIONS * _FLOAT_BYTES * math.prod(self.shape)
        return min(_MOST_FIXED, max(_FEW, _MOST_BYTES // bytes_per_sample))

    def zeros(self, n: int) -> torch.Tensor:
        """Return n samples of zeros, which take the memory of one until they are used."""
        channels, *rest = self.shape
        shape = (1, channels, 1, *rest) if self.as_clip else (1, *self.shape)
        one = torch.zeros(shape, dtype=self.program.dtype, device=self.device)
        return one.expand(n, *shape[1:])

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Try a batch; whatever the program does with what it doesn't take is no features."""
        with torch.inference_mode():
            try:
                output = self.program.run(x)
            except Exception as error:  # a program raises what it likes
                text = str(error).strip() or type(error).__name__
                raise _UnfitError(text.splitlines()[-1][:200]) from error
            features = features_of(output)
        if len(features) != len(x):
            message = f"of {len(x)} samples it makes {len(features)}"
            raise _UnfitError(message)
        return features

    def settled(self, tile: int) -> int:
        """Return a number of samples with which each comes out as if it were alone."""
        generator = torch.Generator().manual_seed(0)
        x = self.zeros(tile).clone()
        x.copy_(torch.rand(x.shape, generator=generator) * 2 - 1)
        first = self.features(x)
        if not torch.equal(first, self.features(x)):
            message = (
                f"The program {self.file!r} gives other features each time for the same sample: "
                "it was exported in training mode. Export it after model.eval()."
            )
            raise CheckpointError(message)
        # The same sample at another place, with nothing beside it.
        moved = self.zeros(tile).clone()
        moved[-1] = x[0]
        if tile == 1 or torch.equal(first[0], self.features(moved)[-1]):
            return tile
        try:
            self.features(x[:1])
        except _UnfitError:
            message = (
                f"In the program {self.file!r} the features of a sample depend on the others "
                "beside it: it was exported in training mode, and for one number of samples. "
                "Export it after model.eval()."
            )
            raise CheckpointError(message) from None
        return self.settled(1)


def _attempts(
    trials: list[_Trial], sides: tuple[int | None, ...] | None
) -> Iterator[tuple[_Trial, int]]:
    """Yield what to try: the likely numbers of samples for every shape, then all others."""
    if sides is not None and sides[0] is not None:
        yield from ((trial, sides[0]) for trial in trials)
        return
    for trial in trials:
        yield from ((trial, tile) for tile in sorted({trial.usual_tile, 1}, reverse=True))
    for trial in trials:
        yield from ((trial, tile) for tile in range(2, trial.most + 1))


def _shapes(
    sides: tuple[int | None, ...] | None, guess: Shape | None, file: str
) -> list[tuple[Shape, bool]]:
    """Return the shapes to try, and whether each is a picture handed over as a clip."""
    if guess is None:
        if sides is None or None in sides[1:]:
            message = (
                f"The program {file!r} doesn't say for which size of sample it was made. Give it "
                "(⟨resolution⟩ H W)."
            )
            raise CheckpointError(message)
        return [(tuple(side for side in sides[1:] if side is not None), False)]
    guesses = [
        ((channels, *guess[1:]), as_clip)
        for as_clip in ((False, True) if len(guess) == 3 else (False,))
        for channels in dict.fromkeys((*_CHANNELS, guess[0]))
    ]
    if sides is None:
        return guesses
    rank = len(sides) - 1
    stated = [
        (_filled(sides, shape, as_clip), as_clip)
        for shape, as_clip in guesses
        if len(shape) + as_clip == rank
    ]
    return list(dict.fromkeys(stated)) or guesses[:1]


def _filled(sides: tuple[int | None, ...], shape: Shape, as_clip: bool) -> Shape:
    """Put the sides that a file gives in the place of the guessed ones."""
    inner = (sides[1], *sides[3:]) if as_clip else sides[1:]
    return tuple(
        own if stated is None else stated for stated, own in zip(inner, shape, strict=True)
    )


def _described(output: object) -> str:
    if isinstance(output, torch.Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"
