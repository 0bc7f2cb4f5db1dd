"""Folders of pictures and videos."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentcore import readers
from latentcore.containers import damage_of, damaged_among
from latentcore.errors import (
    InputError,
    MalformedFileError,
    RequestError,
    UnknownFormatError,
    UnsafeFileError,
)
from latentcore.readers.media import clips, pictures
from latentcore.readers.media.pictures import fitted
from tests.factories.media import clip, picture, write_picture, write_video


def read(location: Path, rows: object = None, **options: object) -> np.ndarray:
    with readers.open_samples(location, **options) as source:
        return source.read(slice(None) if rows is None else rows)


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp"])
def test_pictures_are_read_as_written(ending: str, tmp_path: Path) -> None:
    wanted = [picture(seed) for seed in range(4)]
    for number, pixels in enumerate(wanted):
        settings = {"lossless": True, "exact": True} if ending == ".webp" else {}
        write_picture(tmp_path / f"{number}{ending}", pixels, **settings)
    found = read(tmp_path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.moveaxis(np.stack(wanted), 3, 1))
    np.testing.assert_array_equal(read(tmp_path, np.array([2, 0, 2])), found[[2, 0, 2]])


def test_jpeg_is_what_pillow_decodes_and_turned_as_the_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = write_picture(tmp_path / "a.jpg", picture(1), exif=exif)
    found = read(path)
    assert found.shape == (1, 3, 16, 12)
    plain = np.asarray(Image.open(path))
    np.testing.assert_array_equal(found[0], np.moveaxis(np.rot90(plain, -1), 2, 0))


def test_sixteen_bits_keep_their_digits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 65_536, (12, 16), dtype=np.uint16)
    color = rng.integers(0, 65_536, (12, 16, 3), dtype=np.uint16)
    write_picture(tmp_path / "grey" / "a.tif", gray)
    tifffile.imwrite(tmp_path / "grey" / "b.tif", gray + 1)
    tifffile.imwrite(tmp_path / "colour.tif", color, photometric="rgb")
    tifffile.imwrite(
        tmp_path / "planes.tif", np.moveaxis(color, 2, 0), photometric="rgb",
        planarconfig="separate",
    )  # fmt: skip
    np.testing.assert_array_equal(read(tmp_path / "grey"), np.stack([gray, gray + 1])[:, None])
    for name in ("colour.tif", "planes.tif"):
        np.testing.assert_array_equal(read(tmp_path / name)[0], np.moveaxis(color, 2, 0))


def test_mixed_kinds_get_the_widest_type_and_colors(tmp_path: Path) -> None:
    gray = np.random.default_rng(0).integers(0, 65_536, (12, 16), dtype=np.uint16)
    write_picture(tmp_path / "a.png", picture(1))
    write_picture(tmp_path / "b.tif", gray)
    palette = Image.fromarray(picture(2)).quantize(8)
    palette.save(tmp_path / "c.png")
    found = read(tmp_path)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found[0], np.moveaxis(picture(1), 2, 0) * np.uint16(257))
    np.testing.assert_array_equal(found[1], np.stack([gray] * 3))
    colors = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(found[2], np.moveaxis(colors, 2, 0) * np.uint16(257))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_fits_say_what_they_do(dtype: type) -> None:
    pixels = np.zeros((10, 30, 3), dtype)
    pixels[:, 10:20] = 200
    cropped = fitted(pixels, (5, 5), "crop")
    assert (cropped[:, 1:4] == 200).all()
    assert (cropped[:, [0, 4]] > 150).all()  # the filter sees half a pixel beyond the window
    padded = fitted(pixels, (15, 15), "pad")
    assert (padded[:5] == 0).all()
    assert (padded[10:] == 0).all()
    assert (padded[5:10, 6:9] == 200).all()
    stretched = fitted(pixels, (10, 10), "stretch")
    image = Image.fromarray(pixels.astype(np.uint8)).resize((10, 10), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(stretched, np.asarray(image), atol=1)
    assert cropped.dtype == padded.dtype == stretched.dtype == dtype


def test_crop_keeps_the_center() -> None:
    pixels = np.arange(8 * 8, dtype=np.uint8).reshape(8, 8, 1)
    np.testing.assert_array_equal(fitted(pixels[:, :6], (6, 6), "crop"), pixels[1:7, :6])


def test_other_sizes_are_brought_to_the_first_or_to_the_one_asked_for(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(1))
    write_picture(tmp_path / "b.png", picture(2, (40, 20)))
    with readers.open_samples(tmp_path) as source:
        assert source.sample_shape == (3, 12, 16)
        assert source.ref.options == {"resolution": "12x16", "fit": "crop"}
    with readers.open_samples(tmp_path, resolution=(6, 6), fit="pad") as source:
        assert source.ref.options == {"resolution": "6x6", "fit": "pad"}
        again = readers.open_ref(source.ref)
        np.testing.assert_array_equal(again.read(slice(None)), source.read(slice(None)))
        assert again.fingerprint() == source.fingerprint()
    with readers.open_samples(tmp_path, resolution="6x6") as other:
        assert other.fingerprint() != source.fingerprint()


def test_folders_are_classes_or_partitions(tmp_path: Path) -> None:
    for number, name in enumerate(("cat", "dog", "cat")):
        write_picture(tmp_path / "classes" / name / f"{number}.png", picture(number))
        split = ("train", "test-public", "train")[number]
        write_picture(tmp_path / "split" / split / f"{number}.png", picture(number))
        write_picture(tmp_path / "both" / split / name / f"{number}.png", picture(number))
        write_picture(tmp_path / "flat" / f"{number}.png", picture(number))
    with readers.open_samples(tmp_path / "classes") as source:
        assert source.sample_ids.tolist() == ["cat/0.png", "cat/2.png", "dog/1.png"]
        assert source.partition.tolist() == ["cat", "cat", "dog"]
        assert source.labels.tolist() == [0, 0, 1]
    with readers.open_samples(tmp_path / "split") as source:
        assert source.partition.tolist() == ["test-public", "train", "train"]
        assert source.labels is None
    with readers.open_samples(tmp_path / "both") as source:
        assert source.partition.tolist() == ["test-public", "train", "train"]
        assert source.labels.tolist() == [1, 0, 0]
    with readers.open_samples(tmp_path / "flat") as source:
        assert (source.partition, source.labels) == (None, None)


def test_clips_are_the_last_frames_and_short_ones_are_filled_up(tmp_path: Path) -> None:
    long, short = clip(1, 7), clip(2, 2)
    write_video(tmp_path / "a.mkv", long)
    write_video(tmp_path / "b.avi", short)
    found = read(tmp_path, frames=4)
    np.testing.assert_array_equal(found[0], np.moveaxis(long[-4:], 3, 0))
    np.testing.assert_array_equal(found[1], np.moveaxis(short[[0, 1, 1, 1]], 3, 0))
    first = read(tmp_path, frames=4, take="first")
    np.testing.assert_array_equal(first[0], np.moveaxis(long[:4], 3, 0))


@pytest.mark.parametrize(("frames", "wanted"), [(3, [2, 3, 4]), (4, [1, 2, 3, 4]), (7, range(7))])
def test_clips_may_be_the_middle(tmp_path: Path, frames: int, wanted: list[int]) -> None:
    long = clip(1, 7)
    write_video(tmp_path / "a.mkv", long)
    found = read(tmp_path, frames=frames, take="middle")
    np.testing.assert_array_equal(found[0], np.moveaxis(long[list(wanted)], 3, 0))


def test_a_short_clip_has_no_middle_but_its_frames(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mkv", short := clip(1, 2))
    found = read(tmp_path, frames=4, take="middle")
    np.testing.assert_array_equal(found[0], np.moveaxis(short[[0, 1, 1, 1]], 3, 0))


@pytest.mark.parametrize(
    ("fps", "take", "wanted"),
    [  # the video has 5 frames per second
        ("2.5", "first", [0, 2, 4, 6]),
        ("2.5", "last", [4, 6, 8, 10]),
        ("2.5", "middle", [2, 4, 6, 8]),
        ("2", "first", [0, 2, 5, 7]),  # at 0, 0.5, 1, 1.5 s; frame 2 is there from 0.4 to 0.6 s
        ("10", "first", [0, 0, 1, 1]),
        ("5", "last", [8, 9, 10, 11]),
    ],
)
def test_videos_are_sampled_at_frames_per_second(
    tmp_path: Path, fps: str, take: str, wanted: list[int]
) -> None:
    long = clip(1, 12)
    write_video(tmp_path / "a.mkv", long)
    found = read(tmp_path, frames=4, take=take, fps=fps)
    np.testing.assert_array_equal(found[0], np.moveaxis(long[wanted], 3, 0))


def test_clips_sampled_are_as_long_as_the_longest(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mkv", clip(1, 50))
    with readers.open_samples(tmp_path, fps="1") as source:
        assert source.sample_shape == (3, 10, 12, 16)
        assert source.ref.options["fps"] == "1.0"


def test_clips_are_as_long_as_the_longest_where_nothing_is_asked(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", clip(1, 3))
    write_video(tmp_path / "deep" / "b.mkv", clip(2, 5, (24, 24)))
    with readers.open_samples(tmp_path) as source:
        assert source.sample_shape == (3, 5, 12, 16)
        assert source.ref.options == {
            "resolution": "12x16", "fit": "crop", "frames": "5", "take": "last",
        }  # fmt: skip
        assert source.sample_ids.tolist() == ["a.avi", "deep/b.mkv"]


def test_mp4_and_webm_are_decoded(tmp_path: Path) -> None:
    smooth = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None, None], (4, 64, 64, 3))
    write_video(tmp_path / "a.mp4", np.ascontiguousarray(smooth), "libx264")
    write_video(tmp_path / "b.webm", np.ascontiguousarray(smooth), "libvpx-vp9")
    found = read(tmp_path)
    assert found.shape == (2, 3, 4, 64, 64)
    assert np.abs(found.astype(int) - np.moveaxis(smooth, 3, 0)).mean() < 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "frames=0 makes no clip"),
        ({"frames": "many"}, "frames='many'"),
        ({"resolution": "64"}, "resolution='64' can't be made"),
        ({"resolution": (0, 5)}, "can't be made"),
        ({"fit": "squeeze"}, "crop, pad, stretch"),
        ({"take": "center"}, "last, first, middle"),
        ({"fps": "0"}, "fps='0' is no number of frames per second"),
        ({"size": "5x5"}, "has no option 'size'.*resolution, fit, frames, take"),
    ],
)
def test_options_without_sense_are_reported(
    options: dict[str, object], message: str, tmp_path: Path
) -> None:
    write_video(tmp_path / "a.avi", clip(1, 3))
    with pytest.raises(RequestError, match=message):
        readers.open_samples(tmp_path, **options)


def test_pictures_and_videos_together_need_a_word(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(1))
    write_video(tmp_path / "b.avi", clip(1, 3))
    with pytest.raises(UnknownFormatError, match="1 picture and 1 video"):
        readers.open_samples(tmp_path)
    assert read_shape(tmp_path, "image-folder") == (1, 3, 12, 16)
    assert read_shape(tmp_path, "video") == (1, 3, 3, 12, 16)


def read_shape(location: Path, reader: str) -> tuple[int, ...]:
    with readers.open_samples(location, reader) as source:
        return source.read(slice(None)).shape


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(1))
    (tmp_path / "._a.png").write_bytes(b"resource fork")
    write_picture(tmp_path / ".thumbs" / "a.png", picture(2))
    assert len(read(tmp_path)) == 1


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = write_picture(tmp_path / "elsewhere" / "secret.png", picture(1))
    inside = write_picture(tmp_path / "folder" / "a.png", picture(2)).parent
    (inside / "same.png").symlink_to(inside / "a.png")
    assert len(read(inside)) == 2
    (inside / "b.png").symlink_to(secret)
    with pytest.raises(UnsafeFileError, match=r"'b\.png' is a link that leads out"):
        readers.open_samples(inside)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", picture(1))
    damaged = write_picture(tmp_path / "b.png", picture(2))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    with (
        readers.open_samples(tmp_path) as source,
        pytest.raises(MalformedFileError, match=r"The picture 'b\.png' can't be read"),
    ):
        source.read(slice(None))
    damaged.write_bytes(b"no picture at all")
    with readers.open_samples(tmp_path) as source:
        assert source.read(slice(0, 1)).shape == (1, 3, 12, 16)
        with pytest.raises(MalformedFileError, match=r"The picture 'b\.png' can't be read"):
            source.read(slice(None))
    (tmp_path / "a.png").write_bytes(b"nor this")
    with pytest.raises(MalformedFileError, match=r"None of the 2 files .* The picture 'a\.png'"):
        readers.open_samples(tmp_path)


@pytest.mark.parametrize("size", [None, (6, 6)])
def test_damaged_pictures_can_be_skipped(size: tuple[int, int] | None, tmp_path: Path) -> None:
    for number in range(4):
        write_picture(tmp_path / f"{number}.png", picture(number))
    (tmp_path / "0.png").write_bytes(b"no picture at all")
    whole = (tmp_path / "2.png").read_bytes()
    (tmp_path / "2.png").write_bytes(whole[: len(whole) // 2])
    rows = np.array([3, 2, 0, 1])
    with readers.open_samples(tmp_path) as plain:
        assert plain.notes == (
            "1 of 4 files can't be read: 0.png. Copy them again; 'extract' leaves them out.",
        )
        source = plain.skipping() if size is None else plain.skipping().at_resolution(size)
        assert (
            source.fingerprint()
            == (plain if size is None else plain.at_resolution(size)).fingerprint()
        )
        found = source.read(rows)
        assert damaged_among(source, rows).tolist() == [False, True, True, False]
        assert not found[1:3].any()
        for place, row in ((0, 3), (3, 1)):
            np.testing.assert_array_equal(found[place], source.read(np.array([row]))[0])
        assert sorted(damage_of(source)) == [0, 2]
        assert sorted(damage_of(plain)) == [0], "the other knows of its own"


@pytest.mark.parametrize("ending", [".avi", ".mp4", ".mkv"])
def test_a_damaged_video_is_named(ending: str, tmp_path: Path) -> None:
    codec = "libx264" if ending == ".mp4" else "ffv1"
    path = write_video(tmp_path / f"a{ending}", clip(1, 9, (64, 64)), codec)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if ending != ".mkv" else whole[:300])
    with pytest.raises(MalformedFileError, match=rf"The video 'a\{ending}' (is cut off|can't be)"):
        read(tmp_path, frames=9, resolution="64x64")


def test_flipped_bits_end_in_pixels_or_in_a_message(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = [
        write_picture(tmp_path / "p" / "a.png", picture(1)),
        write_picture(tmp_path / "j" / "a.jpg", picture(1)),
        write_picture(tmp_path / "t" / "a.tif", picture(1)),
        write_picture(tmp_path / "w" / "a.webp", picture(1)),
        write_video(tmp_path / "v" / "a.avi", clip(1, 3)),
        write_video(tmp_path / "m" / "a.mp4", clip(1, 3), "libx264"),
    ]
    for path in files:
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(12):
            flipped = whole.copy()
            flipped[rng.integers(0, len(whole), 4)] ^= np.uint8(1 << rng.integers(0, 8))
            path.write_bytes(flipped.tobytes())
            try:
                assert read(path.parent).size > 0
            except InputError as error:
                assert path.name in str(error) or path.parent.name in str(error)


def test_a_playlist_that_names_other_files_is_no_video(tmp_path: Path) -> None:
    secret = write_video(tmp_path / "secret.avi", clip(1, 3))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.mp4").write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    with pytest.raises(MalformedFileError, match=r"'a\.mp4' can't be decoded"):
        readers.open_samples(folder)


def test_bombs_are_refused_before_they_unpack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (30_000, 30_000)).save(tmp_path / "bomb.png")
    with pytest.raises(MalformedFileError, match=r"'bomb\.png'"):
        readers.open_samples(tmp_path)
    monkeypatch.setattr(pictures, "_MOST_PIXELS", 100)
    with pytest.raises(MalformedFileError, match="12 × 16 pixels"):
        readers.open_samples(write_picture(tmp_path / "a.png", picture(1)))
    video = write_video(tmp_path / "a.avi", clip(1, 3))
    monkeypatch.setattr(clips, "_MOST_PIXELS_HELD", 3 * 12 * 16 - 1)
    with pytest.raises(MalformedFileError, match="Ask for fewer frames"):
        read(video)
    monkeypatch.setattr(clips, "_MOST_PIXELS", 100)
    with pytest.raises(MalformedFileError, match="Make it smaller"):
        readers.open_samples(video)
    with pytest.raises(MalformedFileError, match="lower resolution or fewer frames"):
        readers.open_samples(video, resolution="4096x4096", frames=6)


def test_only_what_is_asked_for_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        write_picture(tmp_path / f"{number}.png", picture(number))
    decoded: list[str] = []
    plain = pictures.picture_pixels
    monkeypatch.setattr(
        pictures, "picture_pixels", lambda path: decoded.append(path.name) or plain(path)
    )
    with readers.open_samples(tmp_path) as source:
        assert decoded == []
        source.read(np.array([4, 1]))
        assert decoded == ["4.png", "1.png"]
        with pytest.raises(RequestError, match="has rows 0 to 5"):
            source.read(np.array([6]))
        with pytest.raises(RequestError, match="flatnonzero"):
            source.read(np.ones(6, np.bool_))
    with pytest.raises(RequestError, match="was closed"):
        source.read(slice(1))


def test_memory_is_that_of_the_batch(tmp_path: Path) -> None:
    for number in range(24):
        write_picture(tmp_path / f"{number}.png", picture(number, (200, 200)))
    with readers.open_samples(tmp_path) as source:
        source.read(slice(0, 1))
        tracemalloc.start()
        for start in range(0, 24, 2):
            source.read(slice(start, start + 2))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10 * 200 * 200 * 3
