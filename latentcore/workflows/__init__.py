"""A file for each verb, or a folder with its request at the bottom: read → compute → write.

Pages, the command line, tests and workers all call the same functions through `execute`.
"""

from __future__ import annotations

from latentcore.artifacts.stored_embedding import StoredEmbedding, pca_panel, read_embedding
from latentcore.requests.execution import execute
from latentcore.requests.stored import request_from, request_of
from latentcore.requests.verbs import VERBS, Pool, Verb, as_plain

__all__ = [
    "VERBS",
    "Pool",
    "StoredEmbedding",
    "Verb",
    "as_plain",
    "execute",
    "pca_panel",
    "read_embedding",
    "request_from",
    "request_of",
]
