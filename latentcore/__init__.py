"""Look into latent spaces: samples become latents, latents become results."""

from __future__ import annotations

__version__ = "0.1.0"
