from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from latentcore.encoders import open_checkpoint
from latentcore.encoding._blocks import prefetched, prepared_batches
from latentcore.encoding.extraction import extract
from latentcore.encoding.fitting import fit_pca
from latentcore.encoding.reconstruction import reconstruct
from latentcore.errors import Cancelled, RequestError, ShapeError
from latentcore.preparation import Preparation, Preparer
from latentcore.progress import Progress
from tests.encoders.models import write_seed
from tests.encoding.memory_source import MemorySource
from tests.encoding.stub_encoder import StubEncoder


def patterns(n: int = 100, shape=(1, 4, 5), dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(2).integers(0, 250, (n, *shape)).astype(dtype)


PREPARER = Preparer(Preparation(), (1, 4, 5))


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "latentcore-prefetch"]


def cancel_after(rows: int) -> Progress:
    def on_step(done: int, total: int, message: str) -> None:
        if done >= rows and message == "encoding":
            progress.cancel()

    progress = Progress(on_step)
    return progress


def test_latents_are_the_encoders_in_the_sources_order(tmp_path):
    x = patterns()
    encoder = StubEncoder()
    found = extract(MemorySource(x), encoder, PREPARER, scratch=tmp_path)
    np.testing.assert_array_equal(found.latents, StubEncoder().encode(x))
    assert found.counts.rows == 100
    assert found.rate > 0
    assert set(encoder.passes) == {8}
    assert not threads()


def test_samples_that_are_not_kept_are_nan_and_their_blocks_unread(tmp_path):
    x = patterns()
    keep = np.zeros(100, bool)
    keep[[3, 4, 40, 41, 43, 99]] = True
    source = MemorySource(x, block_rows=10)
    found = extract(source, StubEncoder(), PREPARER, scratch=tmp_path, keep=keep, batch_size=1)
    np.testing.assert_array_equal(found.latents[keep], StubEncoder().encode(x[keep]))
    assert np.isnan(found.latents[~keep]).all()
    assert [rows.tolist() for rows in source.reads] == [[3, 4], [40, 41, 43], [99]]


def test_bad_samples_get_nan_rows_and_are_counted(tmp_path):
    x = patterns()
    x[7, 0, 1, 1] = np.nan
    x[50] = np.inf
    x[20:23] = 9
    preparer = Preparer(Preparation(scale="z_score"), (1, 4, 5))
    found = extract(MemorySource(x), StubEncoder(), preparer, scratch=tmp_path)
    bad = np.isin(np.arange(100), [7, 50])
    assert np.isnan(found.latents[bad]).all()
    assert np.isfinite(found.latents[~bad]).all()
    assert (found.counts.not_finite, found.counts.constant) == (2, 3)


@pytest.mark.parametrize("name", ["vae", "pca"])
def test_batch_size_and_file_layout_cannot_change_a_bit(tmp_path, name):
    x = patterns(230, (1, 20, 24), "uint8")
    preparer = Preparer(Preparation(background="dynamic", scale="minus_one_one"), (1, 20, 24))
    if name == "vae":
        path = str(write_seed(tmp_path / "vae.pth"))
        encoder = open_checkpoint(path, device="cpu", input_shape=(1, 20, 24))
    else:
        from latentcore.encoders.pca import PcaRecipe

        parts = [(MemorySource(x), np.arange(230))]
        encoder = fit_pca(PcaRecipe(6), parts, preparer, device="cpu")
    keep = np.arange(230) % 7 != 3
    results = [
        extract(
            MemorySource(x, block_rows=block_rows),
            encoder,
            preparer,
            scratch=tmp_path / f"{batch}-{block_rows}",
            keep=keep,
            batch_size=batch,
        )
        for batch, block_rows in [(1, 1), (7, 16), (64, 64), (1000, 1), (None, 50)]
    ]
    for found in results[1:]:
        np.testing.assert_array_equal(found.latents, results[0].latents)
    assert all(found.batch_size % found.tile == 0 for found in results)


@pytest.mark.parametrize("rows", [0, 8, 16, 56, 88])
def test_cancelled_extraction_resumes_to_the_same_bits(tmp_path, rows):
    x = patterns()
    x[30] = np.nan
    whole = extract(MemorySource(x), StubEncoder(), PREPARER, scratch=tmp_path / "whole")
    scratch = tmp_path / "resumed"
    with pytest.raises(Cancelled):
        extract(
            MemorySource(x),
            StubEncoder(),
            PREPARER,
            scratch=scratch,
            batch_size=16,
            progress=cancel_after(rows),
        )
    assert not threads()
    encoder = StubEncoder()
    found = extract(MemorySource(x), encoder, PREPARER, scratch=scratch, batch_size=40)
    np.testing.assert_array_equal(found.latents, whole.latents)
    assert found.counts == whole.counts
    assert found.resumed_rows >= rows
    assert len(encoder.passes) == -(-(100 - found.resumed_rows) // 8)


def test_partial_result_of_another_question_is_thrown_away(tmp_path):
    x = patterns()
    for source, encoder, preparer, keep in [
        (MemorySource(x), StubEncoder(), PREPARER, None),
        (MemorySource(x + 1), StubEncoder(), PREPARER, None),
        (MemorySource(x), StubEncoder(tile=4), PREPARER, None),
        (MemorySource(x), StubEncoder(), Preparer(Preparation(smooth=1.0), (1, 4, 5)), None),
        (MemorySource(x), StubEncoder(), PREPARER, np.arange(100) > 3),
    ]:
        found = extract(source, encoder, preparer, scratch=tmp_path, keep=keep)
        assert found.resumed_rows == 0
        again = extract(source, encoder, preparer, scratch=tmp_path, keep=keep)
        assert again.resumed_rows == found.counts.rows
        np.testing.assert_array_equal(again.latents, found.latents)


@pytest.mark.parametrize("damage", ["journal", "values", "tail"])
def test_damaged_partial_files_are_not_believed(tmp_path, damage):
    x = patterns()
    found = extract(MemorySource(x), StubEncoder(), PREPARER, scratch=tmp_path)
    if damage == "journal":
        (tmp_path / "journal.json").write_text("{")
    elif damage == "values":
        (tmp_path / "latents.f32").write_bytes(b"")
    else:  # rows that were written but not committed when the process died
        with (tmp_path / "latents.f32").open("ab") as file:
            file.write(b"\x00" * 17)
    again = extract(MemorySource(x), StubEncoder(), PREPARER, scratch=tmp_path)
    np.testing.assert_array_equal(again.latents, found.latents)
    assert (again.resumed_rows == 100) == (damage == "tail")


def test_lack_of_memory_halves_the_batch_and_then_the_tile(tmp_path):
    x = patterns()
    encoder = StubEncoder(tile=8, memory_for=2)
    found = extract(MemorySource(x), encoder, PREPARER, scratch=tmp_path, batch_size=32)
    np.testing.assert_array_equal(found.latents, StubEncoder().encode(x))
    assert (found.batch_size, found.tile, found.halvings) == (2, 2, 4)


def test_lack_of_memory_in_the_reader_halves_the_batch_only(tmp_path):
    class Narrow(MemorySource):
        def read(self, rows):
            if len(np.arange(len(self))[rows]) > 10:
                raise MemoryError
            return super().read(rows)

    x = patterns()
    found = extract(Narrow(x), StubEncoder(), PREPARER, scratch=tmp_path, batch_size=64)
    np.testing.assert_array_equal(found.latents, StubEncoder().encode(x))
    assert (found.batch_size, found.tile) == (8, 8)


def test_lack_of_memory_for_a_single_sample_is_an_error(tmp_path):
    encoder = StubEncoder(memory_for=0)
    with pytest.raises(MemoryError):
        extract(MemorySource(patterns()), encoder, PREPARER, scratch=tmp_path)


def test_errors_of_either_side_end_the_thread(tmp_path):
    class Broken(MemorySource):
        def read(self, rows):
            if len(self.reads) == 3:
                message = "the disk is gone"
                raise OSError(message)
            return super().read(rows)

    with pytest.raises(OSError, match="disk is gone"):
        extract(Broken(patterns()), StubEncoder(), PREPARER, scratch=tmp_path, batch_size=8)

    class Failing(StubEncoder):
        def encode(self, batch, *, tile=None):
            message = "shape mismatch"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="shape mismatch"):
        extract(MemorySource(patterns()), Failing(), PREPARER, scratch=tmp_path, batch_size=8)
    assert not threads()


def test_prefetch_stops_reading_when_nobody_listens():
    asked = []

    def numbers():
        for number in range(1000):
            asked.append(number)
            yield number

    with prefetched(numbers()) as ready:
        assert [next(ready), next(ready)] == [0, 1]
    assert len(asked) < 10
    assert not threads()


def test_batches_are_whole_until_the_last():
    source = MemorySource(patterns(), block_rows=7)
    batches = list(prepared_batches(source, np.arange(5, 98), PREPARER, 16))
    assert [len(batch.values) for batch in batches] == [16] * 5 + [13]
    np.testing.assert_array_equal(
        np.concatenate([batch.values for batch in batches]), source.samples[5:98]
    )
    assert sorted(np.concatenate(source.reads).tolist()) == list(range(5, 98))


def test_requests_that_make_no_sense_are_reported(tmp_path):
    source = MemorySource(patterns())
    with pytest.raises(RequestError, match="No sample of 'memory' is kept"):
        extract(source, StubEncoder(), PREPARER, scratch=tmp_path, keep=np.zeros(100, bool))
    with pytest.raises(RequestError, match="batch of 0"):
        extract(source, StubEncoder(), PREPARER, scratch=tmp_path, batch_size=0)
    with pytest.raises(ShapeError, match=r"mask of kept samples has shape \(99,\)"):
        extract(source, StubEncoder(), PREPARER, scratch=tmp_path, keep=np.ones(99, bool))
    with pytest.raises(ShapeError, match="resolution 8 9"):
        extract(source, StubEncoder((1, 8, 9)), PREPARER, scratch=tmp_path)
    with pytest.raises(ShapeError, match="one by one"):
        extract(source, StubEncoder(), Preparer(Preparation(), (1, 9, 9)), scratch=tmp_path)


def test_reconstruction_is_decode_after_encode(tmp_path):
    path = str(write_seed(tmp_path / "vae.pth"))
    encoder = open_checkpoint(path, device="cpu", input_shape=(1, 20, 24))
    preparer = Preparer(encoder.preparation, (1, 20, 24))
    x = patterns(5, (1, 20, 24))
    x[3, 0, 0, 0] = np.nan
    found = reconstruct(encoder, preparer, x)
    good = [0, 1, 2, 4]
    np.testing.assert_array_equal(found.prepared[good], preparer(x[good]))
    np.testing.assert_array_equal(
        found.reconstructed[good], encoder.decode(encoder.encode(preparer(x[good])))
    )
    np.testing.assert_array_equal(found.residual, found.prepared - found.reconstructed)
    wanted = torch.nn.functional.mse_loss(
        torch.from_numpy(found.reconstructed[0]), torch.from_numpy(found.prepared[0])
    )
    np.testing.assert_allclose(found.mse[0], wanted.item(), rtol=1e-6)
    assert np.isnan(found.mse[3])


def test_encoder_without_decoder_is_reported():
    with pytest.raises(RequestError, match="has no decoder"):
        reconstruct(StubEncoder(), PREPARER, patterns(2))


def test_pca_of_two_scans_is_fitted_on_both(tmp_path: Path):
    from latentcore.encoders.pca import PcaRecipe

    x = patterns(90)
    x[4] = np.nan
    halves = [(MemorySource(x[:60]), np.arange(60)), (MemorySource(x[60:]), np.arange(30))]
    together = fit_pca(PcaRecipe(4), halves, PREPARER, device="cpu")
    whole = fit_pca(PcaRecipe(4), [(MemorySource(x), np.arange(90))], PREPARER, device="cpu")
    good = np.delete(x, 4, axis=0)
    np.testing.assert_allclose(together.encode(good), whole.encode(good), atol=1e-3)
