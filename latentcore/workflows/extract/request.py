"""What ``extract`` is asked."""

from __future__ import annotations

from dataclasses import dataclass

from latentcore.encoders.pooling import POOLINGS
from latentcore.requests.options import (
    device_option,
    keep_above_option,
    keep_below_option,
    keep_between_option,
    keep_label_option,
    keep_xy_option,
    partition_option,
    prepare_option,
    resolution_option,
    samples_roi_option,
)
from latentcore.requests.verbs import option


@dataclass(frozen=True)
class ExtractRequest:
    """What to encode, with what, prepared how."""

    location: tuple[str, ...] = option(
        (),
        help="files of samples, or folders of pictures or videos; with pca:N one PCA is fitted on "
        "all of them together",
        positional=True,
        nargs="*",
        kind="samples",
    )
    checkpoint: str = option(
        "",
        help="model.safetensors, a seed VAE .pth, a nenya .pth, an encoder exported as "
        "TorchScript or by torch.export (it runs the code in its file), or pca:N to fit N "
        "components on the samples",
        kind="checkpoint",
    )
    options: str | None = option(
        None,
        help="options of a nenya training: they must fit the checkpoint, and name its partitions; "
        "alone they find the checkpoint and the images by nenya's own rules",
        kind="file",
        metavar="OPTS.json",
    )
    partition: tuple[str, ...] = partition_option()
    rows: str | None = option(
        None,
        help="encode only these rows, counted within each partition: .npy (row numbers, or a "
        "mask), or text with one per line",
        kind="file",
    )
    rotation: str | None = option(
        None,
        help="with pca:N, turn the components among themselves so that each pattern lies along few "
        "of them: they look like patterns of the scan, and distances stay as they are",
        choices=("varimax",),
    )
    pool: str | None = option(
        None,
        help="how the feature map of an exported encoder becomes a vector; mean if not given",
        choices=POOLINGS,
    )
    resolution: tuple[int, int] | None = resolution_option()
    prepare: tuple[str, ...] = prepare_option("the checkpoint's")
    keep_above: tuple[str | float, ...] | None = keep_above_option()
    keep_below: tuple[str | float, ...] | None = keep_below_option()
    keep_between: tuple[str | float, ...] | None = keep_between_option()
    keep_label: tuple[str, ...] | None = keep_label_option()
    keep_xy: str | None = keep_xy_option()
    roi: tuple[float, ...] | None = samples_roi_option()
    batch_size: int | None = option(
        None,
        help="samples read at once; chooses itself, and has no influence on the latents",
        metavar="N",
        convert=int,
        changes_answer=False,
    )
    device: str = device_option()
    debug: bool = option(
        False,
        help="only the first two batches of each partition (of ⟨batch_size⟩, batch_size_valid of "
        "the options, or 64), to see whether all fits together",
    )
    seed_names: bool = option(
        False,
        help="write latents_full.npy, coords.csv and latent_maps/latent_full_d<D>.csv as well, as "
        "the seed system does; of cutouts, a flat file named as nenya names it (_preproc becomes "
        "_latents)",
    )
    cutouts: bool = option(
        False,
        help="write <input stem>_cutouts.parquet as well: ΔT (90th - 10th percentile of the "
        "central crop), mean, s.d., minimum and maximum of each sample",
    )
    strict: bool = option(
        False,
        help="end at a damaged picture or video, instead of leaving it out",
        changes_work=False,
    )
    clobber: bool = option(
        False, help="do it again where --out holds a finished run", changes_answer=False
    )
    reader: str | None = option(
        None,
        help="reader of the inputs, with options for it as NAME:KEY=VALUE[,KEY=VALUE]: "
        "video:frames=17,take=last",
        metavar="NAME",
    )
    seed: int = option(0, help="recorded; nothing here is random", metavar="N", convert=int)
