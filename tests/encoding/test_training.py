from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latentcore.containers import ScanGrid
from latentcore.encoders import training_presets
from latentcore.encoders.training_plan import TrainingPlan
from latentcore.encoders.vae_cnn import VaeCnn
from latentcore.encoding import training_outcome
from latentcore.encoding.training import Targets, Training
from latentcore.encoding.training_data import Feeder, TrainingPatterns, collect_patterns
from latentcore.encoding.training_models import (
    as_encoder,
    build_network,
    fit_components,
    neighbor_targets,
)
from latentcore.encoding.training_steps import (
    kl_per_dimension,
    kl_weight_at,
    learning_rate_at,
    loss_terms,
)
from latentcore.encoding.training_targets import neighbor_scores
from latentcore.errors import Cancelled, RequestError, ShapeError
from latentcore.preparation import Preparation, Preparer
from latentcore.progress import Progress
from tests.encoding.memory_source import MemorySource
from tests.factories.kikuchi import patterns as make_patterns

PLAN = TrainingPlan(epochs=3, batch_size=16, learning_rate=1e-2, kl_warmup=1.0, held_out=0.2)
PREPARER = Preparer(Preparation(scale="minus_one_one"), (1, 8, 8))
CPU = torch.device("cpu")


@pytest.fixture
def patterns(tmp_path: Path) -> TrainingPatterns:
    return collect(make_patterns(60), tmp_path)


def collect(samples: np.ndarray, folder: Path, **options: object) -> TrainingPatterns:
    settings = {"held_out": 0.2, "seed": 0, "progress": Progress(), **options}
    return collect_patterns(
        MemorySource(samples), np.arange(len(samples)), PREPARER, scratch=folder, **settings
    )


def training(patterns: TrainingPatterns, folder: Path, plan=PLAN, **options: object) -> Training:
    torch.manual_seed(12345)  # whatever state the generator is in
    network = build_network("vae-cnn", (8, 8), 4, {"base": 4, "n_down": 2}, seed=plan.seed)
    return Training(network, patterns, plan, CPU, folder, "question", **options)


def weights(done: Training) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in done.model.parameters()])


def cancel_at(step: int) -> Progress:
    seen = []

    def on_step(done: int, total: int, message: str) -> None:
        seen.append(done)
        if len(seen) == step:
            raise Cancelled(message)

    return Progress(on_step)


def test_training_learns_and_keeps_the_best_epoch(patterns, tmp_path):
    done = training(patterns, tmp_path, replace(PLAN, epochs=8))
    result = done.run()
    held = [row for row in result.history if row.split == "held-out"]
    assert [row.epoch for row in held] == list(range(9))
    assert held[-1].reconstruction < 0.8 * held[0].reconstruction
    best = min(held, key=lambda row: row.total)
    assert result.best_epoch == best.epoch
    assert done.learner.judge(patterns.held_out)[2] == best.total  # what the network holds now
    assert result.stopped_by == "epochs"


def test_same_seed_same_weights_and_another_seed_others(patterns, tmp_path):
    runs = [
        training(patterns, tmp_path / str(number), replace(PLAN, seed=seed))
        for number, seed in enumerate((0, 0, 1))
    ]
    for one in runs:
        one.run()
    np.testing.assert_array_equal(weights(runs[0]), weights(runs[1]))
    assert (weights(runs[0]) != weights(runs[2])).mean() > 0.9


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7])
def test_cancelled_and_resumed_equals_uninterrupted(patterns, tmp_path, step):
    whole = training(patterns, tmp_path / "whole")
    expected = whole.run()
    with pytest.raises(Cancelled):
        training(patterns, tmp_path / "part", progress=cancel_at(step)).run()
    resumed = training(patterns, tmp_path / "part", resume=True)
    result = resumed.run()
    np.testing.assert_array_equal(weights(whole), weights(resumed))
    assert result.resumed_epochs == (step - 1) // 3
    assert [(row.epoch, row.split, row.total) for row in result.history] == [
        (row.epoch, row.split, row.total) for row in expected.history
    ]


def test_without_held_out_points_the_lowest_training_loss_says_the_best_epoch(tmp_path):
    found = collect(make_patterns(60), tmp_path, held_out=0.0)
    assert len(found.train) == 60
    plan = replace(PLAN, held_out=0.0, epochs=6, learning_rate=0.05, kl_weight=2.0)
    done = training(found, tmp_path / "whole", plan)
    result = done.run()
    assert [(row.epoch, row.split) for row in result.history] == [(n, "train") for n in range(1, 7)]
    ranks = [row.reconstruction + 2.0 * row.kl for row in result.history]
    assert result.best_epoch == 1 + int(np.argmin(ranks))
    with pytest.raises(Cancelled):
        training(found, tmp_path / "part", plan, progress=cancel_at(7)).run()
    resumed = training(found, tmp_path / "part", plan, resume=True)
    assert resumed.run().best_epoch == result.best_epoch
    np.testing.assert_array_equal(weights(done), weights(resumed))
    short = training(found, tmp_path / "short", plan, max_seconds=0.0)
    assert [row.split for row in short.run().history] == ["train"]


def test_a_state_of_another_question_or_a_damaged_one_is_ignored(patterns, tmp_path):
    with pytest.raises(Cancelled):
        training(patterns, tmp_path, progress=cancel_at(6)).run()
    other = training(patterns, tmp_path, resume=True)
    other.question = "another"
    assert other.run().resumed_epochs == 0
    (tmp_path / "state.pt").write_bytes(b"PK\x03\x04 broken")
    assert training(patterns, tmp_path, resume=True).run().resumed_epochs == 0


def test_time_limit_ends_within_an_epoch_with_usable_weights(patterns, tmp_path):
    done = training(patterns, tmp_path, max_seconds=0.0)
    result = done.run()
    assert result.stopped_by == "time"
    assert result.epochs == 0
    assert np.isfinite(weights(done)).all()
    assert result.history[-1].split == "held-out"


def test_divergence_is_reported_and_the_last_good_weights_are_kept(patterns, tmp_path):
    seen = []

    def poison(now: Training) -> None:
        seen.append(now.state.epoch)
        if now.state.epoch == 2:
            with torch.no_grad():
                next(now.model.parameters()).fill_(float("nan"))

    done = training(patterns, tmp_path, on_epoch=poison)
    result = done.run()
    assert seen == [0, 1, 2]
    assert result.stopped_by == "diverged"
    assert np.isfinite(weights(done)).all()
    assert "diverged in epoch 3" in result.message
    assert "try 0.001" in result.message


def test_divergence_before_anything_was_learned_is_an_error(patterns, tmp_path, monkeypatch):
    monkeypatch.setattr(training_outcome, "_EXPLODED", 1e-9)
    with pytest.raises(RequestError, match=r"diverged in epoch 1: the loss rose .* try 0\.001"):
        training(patterns, tmp_path).run()


def test_the_published_loss_is_written_down_once_more():
    rng = np.random.default_rng(0)
    y, t = rng.normal(size=(2, 5, 1, 4, 4)).astype(np.float32)
    mu, logvar = rng.normal(size=(2, 5, 3)).astype(np.float32)
    terms = loss_terms(*map(torch.from_numpy, (y, t, mu, logvar)), kl_weight=1.0)
    squared = np.mean((y - t) ** 2)
    kl = np.mean(-0.5 * (1 + logvar - mu**2 - np.exp(logvar)))
    np.testing.assert_allclose([float(term) for term in terms], [squared, kl, squared + kl], 1e-5)


def test_free_bits_cost_nothing_and_give_no_gradient():
    mu = torch.full((4, 2), 0.1, requires_grad=True)
    logvar = torch.zeros(4, 2)
    x = torch.zeros(4, 1, 2, 2)
    assert float(kl_per_dimension(mu.detach(), logvar)[0]) == pytest.approx(0.005)
    _, kl, total = loss_terms(x, x, mu, logvar, kl_weight=2.0, free_bits=0.5)
    assert (kl.item(), total.item()) == pytest.approx((0.005, 1.0))
    total.backward()
    assert not mu.grad.any()


def test_warm_up_and_one_cycle():
    assert [kl_weight_at(replace(PLAN, kl_weight=2, kl_warmup=4), e) for e in (0, 1, 4, 9)] == [
        0, 0.5, 2, 2,
    ]  # fmt: skip
    assert kl_weight_at(replace(PLAN, kl_weight=2, kl_warmup=0), 0) == 2
    cycle = replace(PLAN, schedule="one-cycle", learning_rate=1.0)
    rates = [learning_rate_at(cycle, step, 100) for step in range(100)]
    assert np.argmax(rates) in (9, 10)
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[0] < 0.1
    assert rates[-1] == pytest.approx(0)
    assert learning_rate_at(PLAN, 3, 100) == PLAN.learning_rate


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"learning_rate": float("nan")},
     {"kl_weight": -1.0}, {"held_out": 0.9}, {"schedule": "zigzag"}, {"target": "moon"}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(RequestError):
        replace(PLAN, **wrong)


def test_unusable_patterns_are_left_out_and_counted(tmp_path):
    samples = make_patterns(40).astype(np.float32)
    samples[3, 0, 1, 1] = np.nan
    samples[[7, 8]] = 5
    found = collect(samples, tmp_path)
    assert (found.n_not_finite, found.n_constant) == (1, 2)
    assert len(found.values) == 37
    assert not np.isin([3, 7, 8], found.rows).any()
    assert sorted([*found.train, *found.held_out]) == list(range(37))
    np.testing.assert_array_equal(found.values, PREPARER(samples[found.rows]))


def test_too_few_patterns_are_refused(tmp_path):
    with pytest.raises(RequestError, match="Of 60 chosen patterns 0 can be learned from"):
        collect(np.full((60, 1, 8, 8), 9, np.uint8), tmp_path)
    with pytest.raises(RequestError, match="needs at least 8"):
        collect(make_patterns(7), tmp_path)


def test_patterns_beyond_memory_lie_in_a_file_and_train_alike(tmp_path):
    samples = make_patterns(60)
    found = collect(samples, tmp_path, largest_in_memory=1000)
    assert isinstance(found.values, np.memmap)
    assert found.values.dtype == np.float16
    np.testing.assert_allclose(found.values, PREPARER(samples), atol=1e-3)
    batch = Feeder(found.values, CPU)(np.array([5, 2]))
    assert batch.dtype == torch.float32
    np.testing.assert_array_equal(batch.numpy(), np.asarray(found.values[[5, 2]], np.float32))
    assert training(found, tmp_path / "t").run().epochs == 3


def test_three_channels_are_refused(tmp_path):
    preparer = Preparer(Preparation(channels=3), (1, 8, 8))
    with pytest.raises(ShapeError, match="1 channel"):
        collect_patterns(
            MemorySource(make_patterns(20)), np.arange(20), preparer, scratch=tmp_path,
            held_out=0.1, seed=0, progress=Progress(),
        )  # fmt: skip


def test_a_residual_network_starts_as_the_pca(patterns):
    components = fit_components(patterns, PREPARER, 16, Progress())
    network = build_network(
        "vae-residual", (8, 8), 5, {"features": 16, "hidden": 8, "depth": 1}, seed=0,
        components=components,
    )  # fmt: skip
    encoder = as_encoder(network, PREPARER, CPU)
    scale = np.sqrt(components.tensors()["explained_variance"][0])
    values = np.asarray(patterns.values)
    scores = components.encode(values)
    np.testing.assert_allclose(encoder.encode(values), scores[:, :5] / scale, atol=1e-4)
    scores[:, 5:] = 0
    np.testing.assert_allclose(
        encoder.decode(encoder.encode(values)), components.decode(scores), atol=1e-4
    )


def test_the_published_preset_is_the_seeds():
    preset = training_presets()["as-published"]
    network = build_network("vae-cnn", (60, 60), preset.latent_dim, preset.architecture, seed=0)
    assert isinstance(network, VaeCnn)
    assert (network.latent_dim, network.base, network.n_down) == (512, 32, 5)
    plan = preset.plan
    assert (plan.epochs, plan.batch_size, plan.learning_rate) == (20, 64, 1e-3)
    assert (plan.kl_weight, plan.clip, plan.schedule, plan.target) == (1.0, 1.0, "constant", "self")
    assert (plan.held_out, plan.kl_warmup, plan.free_bits, plan.noise) == (0, 0, 0, 0)
    assert preset.preparation == Preparation(scale="minus_one_one")


def test_more_dimensions_than_pixels_are_refused():
    with pytest.raises(RequestError, match="8 × 8 = 64 pixels"):
        build_network("vae-cnn", (8, 8), 65, {"base": 4, "n_down": 2}, seed=0)
    with pytest.raises(RequestError, match="can be trained"):
        build_network("pca", (8, 8), 5, {}, seed=0)


def two_grains() -> tuple[np.ndarray, ScanGrid, np.ndarray, np.ndarray]:
    """Two halves of a scan; some points between them are mixtures nearer to the left."""
    y, x = np.mgrid[0:16, 0:16].reshape(2, -1)
    mixed = (x == 7) & (y % 3 == 0)
    share = np.where(mixed, 0.35, x > 7)
    clean = np.zeros((len(x), 20))
    clean[:, 0], clean[:, 1] = 18 * (1 - share), 18 * share
    scores = clean + np.random.default_rng(0).normal(0, 1.3, clean.shape)
    return scores.astype(np.float32), ScanGrid.from_coordinates(x, y), x, mixed


def test_targets_are_cleaner_and_draw_mixtures_to_the_purer_side():
    scores, grid, x, mixed = two_grains()
    reported = neighbor_scores(scores, grid)
    left, right = reported[x < 6].mean(axis=0), reported[x > 9].mean(axis=0)
    assert reported[x < 6].std(axis=0).max() < 0.5 * scores[x < 6].std(axis=0).min()
    to_left = np.linalg.norm(reported[mixed] - left, axis=1)
    assert to_left.max() < 0.25 * np.linalg.norm(left - right)


def test_targets_do_not_depend_on_the_order_of_rows():
    scores, grid, _, _ = two_grains()
    order = np.random.default_rng(1).permutation(len(scores))
    shuffled = neighbor_scores(scores[order], grid.take(order))
    np.testing.assert_allclose(shuffled, neighbor_scores(scores, grid)[order], atol=1e-4)


def test_points_without_neighbors_keep_their_own_scores():
    x = np.array([0, 10, 20, 30])
    grid = ScanGrid.from_coordinates(x, np.zeros(4), step=(1, 1))
    scores = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_array_equal(neighbor_scores(scores, grid), scores)
    same = neighbor_scores(np.ones((4, 3), np.float32), ScanGrid.from_coordinates(x, x * 0))
    np.testing.assert_allclose(same, 1)


def test_targets_are_handed_out_as_patterns(patterns, tmp_path):
    components = fit_components(patterns, PREPARER, 10, Progress())
    x, y = np.arange(60) % 10, np.arange(60) // 10
    targets = neighbor_targets(patterns, ScanGrid.from_coordinates(x, y), components, Progress())
    assert isinstance(targets, Targets)
    done = training(patterns, tmp_path, targets=targets)
    some = np.array([4, 9])
    expected = targets.scores[some] @ targets.components + targets.mean
    np.testing.assert_allclose(done.learner.target(some).reshape(2, -1), expected, atol=1e-4)
    assert done.run().epochs == 3


def test_noise_of_other_patterns_is_the_same_in_every_run(patterns, tmp_path):
    components = fit_components(patterns, PREPARER, 10, Progress())
    grid = ScanGrid.from_coordinates(np.arange(60) % 10, np.arange(60) // 10)
    targets = neighbor_targets(patterns, grid, components, Progress())
    runs = [
        training(patterns, tmp_path / str(number), replace(PLAN, noise=noise), targets=targets)
        for number, noise in enumerate((1.0, 1.0, 0.0))
    ]
    for one in runs:
        one.run()
    np.testing.assert_array_equal(weights(runs[0]), weights(runs[1]))
    assert (weights(runs[0]) != weights(runs[2])).mean() > 0.9
