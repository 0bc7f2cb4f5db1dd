"""What ``extract`` does for pictures and videos: their size, and their latents for PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from latentcore.artifacts import RunFolder
from latentcore.artifacts.torch_features import write_features
from latentcore.containers import LatentSet, Resizable, SampleSource, software_versions
from latentcore.encoders import Encoder, Pooling, feature_record
from latentcore.preparation import Preparer


def features_name(location: str, *, alone: bool) -> str:
    """Return what the features of an input are called; of several each has its folder."""
    return "features.pt" if alone else f"{Path(location).stem}/features.pt"


def write_torch(
    folder: RunFolder,
    name: str,
    source: SampleSource,
    latents: LatentSet,
    made: tuple[Encoder, Preparer],
) -> None:
    """Write the latents of pictures and videos for PyTorch; of other samples nothing."""
    if not isinstance(source, Resizable):
        return
    encoder, preparer = made
    meta = {
        "resolution_hw": preparer.output_shape[-2:],
        "frames_per_video": preparer.output_shape[1] if len(preparer.output_shape) == 4 else 1,
        "latent_channels": getattr(encoder, "feature_shape", (encoder.latent_dim,))[0],
        **feature_record(encoder),
        **_classes(latents),
        "encoder": encoder.name,
        "encoder_fingerprint": encoder.fingerprint,
        "preparation": preparer.preparation.to_dict(),
        "source": {"reader": source.ref.reader, "options": dict(source.ref.options)},
        "versions": software_versions(),
    }
    shape = (
        encoder.feature_shape if isinstance(encoder, Pooling) and encoder.pool == "flatten" else ()
    )
    write_features(folder.path(name), latents, meta, shape=shape)


def _classes(latents: LatentSet) -> Mapping[str, object]:
    """Return the classes by number: their names, which are those of folders, and their counts."""
    if latents.labels is None:
        return {}
    encoded = latents.encoded
    numbers = latents.labels.tolist()
    folders = [PurePosixPath(one).parent.name for one in latents.sample_ids.tolist()]
    names = dict(sorted(zip(numbers, folders, strict=True)))
    counts = Counter(latents.labels[encoded].tolist())
    return {"class_names": names, "class_counts": {number: counts[number] for number in names}}
