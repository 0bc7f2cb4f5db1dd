"""Domains of scans that lie side by side, held against those of each scan by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentcore.analysis.domains.hierarchies import HIERARCHIES
from latentcore.analysis.domains.search import domain_hierarchy, domains_at
from latentcore.analysis.mosaic import mosaic
from latentcore.containers import LatentSet, default_sample_ids, partitions_of
from latentcore.errors import RequestError
from tests.analysis.domains.scans import latent_set, voronoi

NAMES = ("deformed", "annealed", "quenched")


@pytest.fixture(scope="module")
def scans():
    """Scans of other sizes, numbers of grains and spreads of latents; a point has no latent."""
    made = []
    for number in range(3):
        latents, _ = voronoi(number, 18 + 5 * number, 5 + 2 * number, mixed=1, noise=0.5 + number)
        values = latents.values * np.float32(1 + number)
        values[7] = np.nan
        made.append(replace(latents, values=values))
    return made


@pytest.fixture(scope="module")
def collection(scans):
    return joined(scans)


def joined(scans):
    values = np.concatenate([one.values for one in scans])
    names = partitions_of(np.repeat(NAMES[: len(scans)], [len(one) for one in scans]))
    grid = mosaic([one.grid for one in scans]).grid
    return LatentSet(values, default_sample_ids(len(values)), scans[0].dims, grid, names)


@pytest.mark.parametrize("scaling", ["none", "standard"])
@pytest.mark.parametrize("method", ["merging", "ward", "watershed"])
def test_what_is_learned_from_a_scan_is_as_if_it_were_alone(scans, collection, method, scaling):
    for name, scan in zip(NAMES, scans, strict=True):
        asked = {"method": HIERARCHIES.get(method)(), "scaling": scaling}
        alone = domain_hierarchy(scan, **asked)
        hierarchy = domain_hierarchy(collection, **asked, learn_from=name)
        assert hierarchy.threshold == alone.threshold
        assert hierarchy.distance == alone.distance
        own = domains_at(hierarchy, collection).labels[collection.partition.mask([name])]
        wanted = domains_at(alone, scan).labels
        np.testing.assert_array_equal(np.where(own < 0, -1, own - own[own >= 0].min()), wanted)


def test_at_one_threshold_every_scan_has_its_own_domains(scans, collection):
    found = domains_at(domain_hierarchy(collection, distance="euclidean"), collection, 2.5)
    tables = []
    for scan in scans:
        one = domains_at(domain_hierarchy(scan, distance="euclidean"), scan, 2.5)
        tables.append(one.table())
    same = ["n", "area", "perimeter", "n_neighbors", "touches_border", "n_inclusions"]
    for column in same:
        wanted = np.concatenate([table[column] for table in tables])
        np.testing.assert_array_equal(found.table()[column], wanted)
    assert found.table()["partition"].tolist() == [
        name for name, table in zip(NAMES, tables, strict=True) for _ in range(len(table))
    ]
    by_scan = found.by_scan.set_index("partition")
    for name, scan, table in zip(NAMES, scans, tables, strict=True):
        row = by_scan.loc[name]
        assert (row.n_points, row.n_in_no_domain, row.n_domains) == (len(scan), 1, len(table))
        assert row.n_touching_border == table["touches_border"].sum()
        assert row.mean_area == pytest.approx(table["area"].mean())
        assert row.sd_equivalent_diameter == pytest.approx(np.std(table["equivalent_diameter"]))


def test_a_scan_without_neighbors_or_latents_has_no_say(scans):
    lone = latent_set([[0, 0], [9, 9], [1, 1]], [0, 2, 4], [0, 0, 0], step=(1.0, 1.0))
    lone = replace(lone, values=np.resize(lone.values, (3, 8)), dims=scans[0].dims)
    empty = replace(scans[1], values=np.full_like(scans[1].values, np.nan))
    three = joined([scans[0], lone, empty])
    found = domains_at(domain_hierarchy(three, learn_from="deformed"), three)
    alone = domains_at(domain_hierarchy(scans[0]), scans[0])
    np.testing.assert_array_equal(found.labels[: len(scans[0])], alone.labels)
    assert found.by_scan["n_domains"].tolist() == [alone.count, 3, 0]
    with pytest.raises(RequestError, match="nothing to tell domains by"):
        domain_hierarchy(three, learn_from="annealed")
    with pytest.raises(RequestError, match=r"'melted' was to be learned from.*deformed"):
        domain_hierarchy(three, learn_from="melted")


def test_partitions_that_touch_are_no_scans():
    latents, _ = voronoi(3, side=20, grains=5, mixed=1)
    halves = partitions_of(np.where(latents.grid.x < 10, "left", "right"))
    parted = replace(latents, partition=halves)
    found = domains_at(domain_hierarchy(parted), parted)
    assert found.by_scan is None
    np.testing.assert_array_equal(
        found.labels, domains_at(domain_hierarchy(latents), latents).labels
    )
