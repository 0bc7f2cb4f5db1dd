"""Whether latents hold anything: active units and posterior collapse.

A VAE whose KL term outweighs its reconstruction gives every sample nearly the same latent mean:
the dimension has collapsed onto its prior. A map of it may still look structured, because a
color scale stretches any spread, so the spread must be named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentcore.containers import LatentSet

# Burda, Grosse and Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016, count a unit
# as active when the variance of its posterior mean over the data is above 0.01, where the
# prior's is 1: a s.d. above 0.1.
_ACTIVE_SD = 0.1
# A tenth of that again: less than 1e-4 of the prior's variance is left.
_COLLAPSED_SD = 0.01
# Rows that are looked at to see whether all have length 1, and how far off rounding may put them.
_LENGTHS = 1_000
_OFF_LENGTH = 1e-3

State = Literal["active", "weak", "collapsed", "unknown"]


@dataclass(frozen=True)
class Spread:
    """How far one latent dimension spreads over the data.

    Attributes
    ----------
    sd : float
        Standard deviation over the finite values (divided by n); NaN for fewer than two.
    prior_sd : float
        That of the prior, 1 for a VAE.
    state : {"active", "weak", "collapsed", "unknown"}
        sd above 0.1 of the prior's, between, or below 0.01; unknown for a single value.
    message : str
        A warning, empty for an active or unknown dimension.
    """

    sd: float
    prior_sd: float
    state: State
    message: str


@dataclass(frozen=True, eq=False)
class ActiveUnits:
    """How many dimensions of a set are active.

    Attributes
    ----------
    sd : ndarray of float64, shape (d,)
        Standard deviation of each dimension over the encoded samples.
    message : str
        A warning, empty where every dimension is active.
    """

    sd: NDArray[np.float64]
    n_active: int
    n_collapsed: int
    message: str


def has_prior(latents: LatentSet) -> bool:
    """Return whether the spread of latents can be compared with a prior's.

    A VAE's can. PCA scores have no prior, and contrastive latents of length 1 have a s.d. of about
    1/√d in each dimension at best, however much they hold.
    """
    made = {} if latents.provenance is None else latents.provenance.request
    if str(made.get("checkpoint", "")).startswith("pca:"):
        return False
    some = latents.rows(np.flatnonzero(latents.encoded)[:_LENGTHS])
    lengths = np.linalg.norm(some.astype(np.float64), axis=1)
    return len(lengths) == 0 or bool((np.abs(lengths - 1) > _OFF_LENGTH).any())


def spread(values: ArrayLike, *, prior_sd: float = 1.0) -> Spread:
    """Judge the spread of one latent dimension.

    Parameters
    ----------
    values : array_like, shape (n,)
        NaN where not encoded.
    prior_sd : float
        Of the model's prior. The judgment holds for VAEs: PCA scores have no prior.
    """
    values = np.asarray(values, np.float64)
    finite = values[np.isfinite(values)]
    if len(finite) == 1:
        # A single value has no spread, which says nothing of the model.
        return Spread(float("nan"), prior_sd, "unknown", "")
    return judged(float(finite.std()) if len(finite) else float("nan"), prior_sd=prior_sd)


def judged(sd: float, *, prior_sd: float = 1.0) -> Spread:
    """Judge a dimension by the standard deviation of its values, two at least; see `spread`."""
    state = _state(sd / prior_sd)
    messages: dict[State, str] = {
        "active": "",
        "weak": (
            f"This dimension is weak, if it is a VAE's: its s.d. is {sd:.2g} where the prior's is "
            f"{prior_sd:g}, and active units have more than {_ACTIVE_SD * prior_sd:g}."
        ),
        "collapsed": (
            f"This dimension is collapsed: its s.d. is {sd:.2g} where a VAE's prior has "
            f"{prior_sd:g}. "
            "It carries next to nothing of the samples; clusters on raw values ignore it."
        ),
    }
    return Spread(sd, prior_sd, state, messages[state])


def active_units(values: NDArray[np.floating], *, prior_sd: float = 1.0) -> ActiveUnits:
    """Count the active dimensions of a set of latents.

    Parameters
    ----------
    values : ndarray, shape (n, d)
        Rows with a NaN take no part.
    prior_sd : float
        Of the model's prior.

    Source
    ------
    Burda, Grosse and Salakhutdinov, *Importance weighted autoencoders*, ICLR 2016.
    """
    encoded = np.isfinite(values).all(axis=1)
    sd = (
        np.array([column[encoded].std(dtype=np.float64) for column in values.T])
        if encoded.any()
        else np.full(values.shape[1], np.nan)
    )
    return units_of_spreads(sd, prior_sd=prior_sd)


def units_of_spreads(sd: NDArray[np.float64], *, prior_sd: float = 1.0) -> ActiveUnits:
    """Count the active dimensions by their standard deviations (d,); see `active_units`."""
    states = [_state(each / prior_sd) for each in sd]
    d, active, collapsed = len(sd), states.count("active"), states.count("collapsed")
    message = ""
    if active < d:
        message = (
            f"{active} of {d} dimensions are active (s.d. above {_ACTIVE_SD:g} of a VAE's prior), "
            f"{collapsed} are collapsed (below {_COLLAPSED_SD:g}). "
        ) + ("Train with a smaller KL weight." if active < d / 2 else "")
    return ActiveUnits(sd, active, collapsed, message.strip())


def _state(relative: float) -> State:
    if relative > _ACTIVE_SD:
        return "active"
    # A set without finite values has a NaN here: nothing is active in it.
    return "weak" if relative >= _COLLAPSED_SD else "collapsed"
