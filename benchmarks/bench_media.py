"""Measure the extraction of pictures and videos through scripted encoders, and what it holds.

500 pictures of 256 × 256 pixels (JPEG) through a scripted 2-D encoder, and 20 videos of 48 frames
of 256 × 256 (H.264), the last 17 frames of each, through a scripted 3-D encoder, written here by
code. Beside it, in the same run, a plain loop: Pillow or PyAV file by file, a batch of one, the
same encoder and pooling. Peak memory is that of the process beyond what it has before the first
sample is read, for batches of one tile and for the size that is chosen by itself: it must follow
the batch, not the folder. Latents of all batch sizes, and of the files in another order, are
compared bit by bit.

Run: ``python -m benchmarks.bench_media [--pictures N] [--videos N] [--threads N]``
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from latentcore.encoders import EVERYWHERE, open_checkpoint
from latentcore.encoding.extraction import Extraction, extract
from latentcore.preparation import Preparer
from latentcore.readers import open_samples

SIDE, FRAMES, LONG = 128, 17, 48
STORED = 256


def encoder_of(rank: int) -> nn.Module:
    torch.manual_seed(0)
    conv = nn.Conv2d if rank == 2 else nn.Conv3d
    return nn.Sequential(
        conv(3, 16, 3, stride=2, padding=1), nn.SiLU(),
        conv(16, 32, 3, stride=2, padding=1), nn.SiLU(),
        conv(32, 16, 3, stride=2, padding=1),
    ).eval()  # fmt: skip


Found = TypeVar("Found")


def scripted(path: Path, module: nn.Module) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(module), str(path))
    return path


def smooth(rng: np.random.Generator, frames: int) -> NDArray[np.uint8]:
    """Return clouds that drift: they compress as pictures do."""
    coarse = rng.integers(0, 256, (frames + 8, 16, 16, 3), dtype=np.uint8)
    coarse = np.stack([coarse[t : t + 8].mean(axis=0) for t in range(frames)]).astype(np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(one).resize((STORED, STORED), 3)) for one in coarse]
    )


def write_files(folder: Path, pictures: int, videos: int) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    (folder / "videos").mkdir()
    for number in range(pictures):
        Image.fromarray(smooth(rng, 1)[0]).save(folder / "pictures" / f"{number:04d}.jpg")
    for number in range(videos):
        with av.open(str(folder / "videos" / f"{number:04d}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=24)
            stream.height = stream.width = STORED
            stream.pix_fmt = "yuv420p"
            for frame in smooth(rng, LONG):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    return folder / "pictures", folder / "videos"


def ours(location: Path, reader: str, checkpoint: Path, batch: int | None) -> Extraction:
    with (
        open_samples(location, reader) as source,
        tempfile.TemporaryDirectory() as scratch,
    ):
        encoder = open_checkpoint(
            str(checkpoint), device="cpu", input_shape=source.sample_shape,
            trusted_roots=EVERYWHERE,
        )  # fmt: skip
        assert encoder.preparation is not None
        preparer = Preparer(encoder.preparation, source.sample_shape)
        return extract(source, encoder, preparer, scratch=Path(scratch), batch_size=batch)


def plain(location: Path, module: nn.Module) -> NDArray[np.float32]:
    latents = []
    with torch.inference_mode():
        for path in sorted(location.iterdir()):
            if path.suffix == ".jpg":
                frames = [Image.open(path).convert("RGB")]
            else:
                with av.open(str(path)) as container:
                    decoded = container.decode(video=0)
                    frames = [Image.fromarray(one.to_ndarray(format="rgb24")) for one in decoded]
                frames = frames[-FRAMES:]
            small = np.stack([np.asarray(one.resize((SIDE, SIDE), 2)) for one in frames])
            x = torch.from_numpy(np.moveaxis(small, 3, 0)[None]).float() / 127.5 - 1
            x = x[:, :, 0] if path.suffix == ".jpg" else x
            latents.append(module(x).flatten(2).mean(2)[0].numpy())
    return np.stack(latents)


def timed(work: Callable[[], Found]) -> tuple[Found, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind: str, location: Path, reader: str, folder: Path) -> None:
    module = encoder_of(2 if kind == "pictures" else 3)
    checkpoint = scripted(folder / f"{kind}.pt", module)
    n = len(list(location.iterdir()))
    ours(location, reader, checkpoint, 1)  # what is loaded at first use counts not
    found, wall, cpu = timed(lambda: ours(location, reader, checkpoint, None))
    wanted, plain_wall, plain_cpu = timed(lambda: plain(location, module))
    error = float(np.abs(found.latents - wanted).max())
    print(f"{kind}: ours {n / wall:.1f}/s ({cpu:.2f} s of processor), batch {found.batch_size}")
    print(f"{kind}: plain loop {n / plain_wall:.1f}/s ({plain_cpu:.2f} s); ratio of processor "
          f"time {plain_cpu / cpu:.2f}; largest difference {error:.1e}")  # fmt: skip
    for batch in (1, 7, n):
        same = np.array_equal(ours(location, reader, checkpoint, batch).latents, found.latents)
        print(f"{kind}: the same bits in batches of {batch}: {same}")
    order = np.random.default_rng(1).permutation(n)
    files = sorted(location.iterdir())
    other = folder / f"other-{kind}"
    other.mkdir()
    for place, number in enumerate(order):
        (other / f"{place:04d}{files[number].suffix}").write_bytes(files[number].read_bytes())
    shuffled = ours(other, reader, checkpoint, None).latents
    print(
        f"{kind}: the same bits in another order: {np.array_equal(shuffled, found.latents[order])}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pictures, videos = write_files(folder, arguments.pictures, arguments.videos)
        some = folder / "some"
        some.mkdir()
        for path in sorted(pictures.iterdir())[: arguments.pictures // 5]:
            (some / path.name).write_bytes(path.read_bytes())
        reader = f"image-folder:resolution={SIDE}x{SIDE}"
        checkpoint = scripted(folder / "memory.pt", encoder_of(2))
        ours(some, reader, checkpoint, 1)
        before = peak_mb()
        ours(pictures, reader, checkpoint, 1)
        print(f"memory: {peak_mb() - before:.1f} MB more at the peak for five times the pictures, "
              f"{before:.0f} MB in all")  # fmt: skip
        measure("pictures", pictures, reader, folder)
        measure("videos", videos, f"video:frames={FRAMES},resolution={SIDE}x{SIDE}", folder)


if __name__ == "__main__":
    main()
