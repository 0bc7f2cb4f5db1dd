"""Loops of HSIC: a table of latent against reference, on interpolation nodes.

A Gaussian kernel is smooth. Within a box one sigma wide, 13 Chebyshev nodes interpolate it to
2e-13 of its height, whichever the other point is. So each point is laid onto the nodes of its
box with its interpolation weights, in both variables at once, and with

    T = table of weights (nodes of x × nodes of y) - product of its margins / n,

    HSIC (n - 1)² = tr(K H L H) = Σ T ∘ (K T L),

where K and L are the kernels between nodes. The margins do what the centering matrix H does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentcore.analysis.compiled import compiled

NODES = 13
PADDED = 16
# Farther than this many boxes, a kernel of width 1 box is below 1e-17.
_REACH = 10


@compiled
def _nodes(nodes: NDArray[np.float64], factors: NDArray[np.float64]) -> None:
    """Write Chebyshev nodes of the box 0 … 1, and their barycentric factors; 0 in the padding."""
    nodes[:] = 2.0
    factors[:] = 0.0
    for a in range(NODES):
        angle = (2 * a + 1) * np.pi / (2 * NODES)
        nodes[a] = (1 - np.cos(angle)) / 2
        factors[a] = np.sin(angle) * (1 - 2 * (a % 2))


@compiled
def kernel_table() -> NDArray[np.float64]:
    """Return the kernel between nodes of boxes 0, 1, … apart, (reach, 13, 16), 0 in the padding.

    ``table[apart, a, b]`` is for node a of a box and node b of the box `apart` to its right.
    """
    nodes = np.empty(PADDED)
    factors = np.empty(PADDED)
    _nodes(nodes, factors)
    table = np.zeros((_REACH, NODES, PADDED))
    for apart in range(_REACH):
        for a in range(NODES):
            for b in range(NODES):
                table[apart, a, b] = np.exp(-0.5 * (apart + nodes[b] - nodes[a]) ** 2)
    return table


@compiled
def positions(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return where sorted `values` sit, in sigmas from the first, shape (n,).

    Gaps that no kernel reaches across are drawn together, and what follows is measured from
    there: beside an outlier of 1e12 sigmas, digits would be lost.
    """
    placed = np.empty(len(values))
    start = values[0]
    base = 0.0
    for i in range(len(values)):
        if i > 0 and (values[i] - values[i - 1]) / sigma > _REACH + 1:
            start = values[i]
            base = np.floor(placed[i - 1]) + _REACH + 1
        placed[i] = base + (values[i] - start) / sigma
    return placed


@compiled
def boxes(placed: NDArray[np.float64], box: NDArray[np.int64], occupied: NDArray[np.int64]) -> int:
    """Find the boxes that hold ascending positions; return how many there are.

    Writes each position's box into `box`, and where each of the boxes sits into `occupied`.
    """
    count = -1
    for i in range(len(placed)):
        place = np.int64(placed[i])
        if count < 0 or occupied[count] != place:
            count += 1
            occupied[count] = place
        box[i] = count
    return count + 1


@compiled
def node_weights(placed: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
    """Write the interpolation weights of positions in their boxes, shape (n, 16)."""
    nodes = np.empty(PADDED)
    factors = np.empty(PADDED)
    _nodes(nodes, factors)
    for i in range(len(placed)):
        inside = placed[i] - np.floor(placed[i])
        total = 0.0
        for a in range(PADDED):
            # On a node, the limit is a weight of 1: so near, rounding finds it.
            gap = inside - nodes[a]
            gap = gap if abs(gap) > 1e-200 else 1e-200
            weights[i, a] = factors[a] / gap
            total += weights[i, a]
        scale = 1 / total
        for a in range(PADDED):
            weights[i, a] *= scale


@compiled
def _lay(
    x_box: NDArray[np.int64],
    x_weights: NDArray[np.float64],
    places: NDArray[np.uint32],
    y_box: NDArray[np.int64],
    y_weights: NDArray[np.float64],
    table: NDArray[np.float64],
) -> None:
    """Lay all points onto the table of nodes, shape (x boxes * 13, y boxes, 16)."""
    table[:] = 0.0
    for i in range(len(x_box)):
        place = places[i]
        column = y_box[place]
        across = y_weights[place]
        first = x_box[i] * NODES
        for a in range(NODES):
            weight = x_weights[i, a]
            line = table[first + a, column]
            for b in range(PADDED):
                line[b] += weight * across[b]


@compiled
def _remove_margins(table: NDArray[np.float64], n: int) -> None:
    columns = np.zeros(table.shape[1:])
    for row in table:
        columns += row
    for row in table:
        row -= columns * (row.sum() / n)


@compiled
def _times_kernel(
    table: NDArray[np.float64],
    occupied: NDArray[np.int64],
    kernel: NDArray[np.float64],
    product: NDArray[np.float64],
) -> None:
    """Write table @ L, L the kernel between the nodes of y."""
    product[:] = 0.0
    for row in range(len(table)):
        for left in range(table.shape[1]):
            for right in range(left, table.shape[1]):
                apart = occupied[right] - occupied[left]
                if apart >= _REACH:
                    break
                ahead = table[row, left]
                onto = product[row, right]
                behind = table[row, right]
                back = product[row, left]
                for a in range(NODES):
                    line = kernel[apart, a]
                    amount = ahead[a]
                    for b in range(PADDED):
                        onto[b] += amount * line[b]
                    if right > left:
                        total = 0.0
                        for b in range(PADDED):
                            total += line[b] * behind[b]
                        back[a] += total


@compiled
def table_hsic(
    x_box: NDArray[np.int64],
    x_weights: NDArray[np.float64],
    x_occupied: NDArray[np.int64],
    places: NDArray[np.uint32],
    y_box: NDArray[np.int64],
    y_weights: NDArray[np.float64],
    y_occupied: NDArray[np.int64],
    kernel: NDArray[np.float64],
) -> float:
    """Return HSIC from boxes and weights of both variables, x sorted, y by `places`."""
    n = len(x_box)
    shape = (len(x_occupied) * NODES, len(y_occupied), PADDED)
    table = np.empty(shape)
    product = np.empty(shape)
    _lay(x_box, x_weights, places, y_box, y_weights, table)
    _remove_margins(table, n)
    _times_kernel(table, y_occupied, kernel, product)
    total = 0.0
    for left in range(len(x_occupied)):
        for right in range(left, len(x_occupied)):
            apart = x_occupied[right] - x_occupied[left]
            if apart >= _REACH:
                break
            inner = 0.0
            for a in range(NODES):
                line = table[left * NODES + a].ravel()
                for b in range(NODES):
                    inner += kernel[apart, a, b] * _inner(line, product[right * NODES + b].ravel())
            total += inner if right == left else 2 * inner
    return total / (n - 1) ** 2


@compiled
def _inner(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@compiled
def pairwise_hsic(
    x: NDArray[np.float64], y: NDArray[np.float64], x_sigma: float, y_sigma: float
) -> float:
    """Return HSIC from its definition, pair by pair: O(n²) time, O(n) memory.

    One kernel is centered before it meets the other, because the sums cancel to about 1/n.
    """
    n = len(x)
    means = np.empty(n)
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += np.exp(-0.5 * ((x[i] - x[j]) / x_sigma) ** 2)
        means[i] = total / n
    mean = means.sum() / n
    every = 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            kernel_x = np.exp(-0.5 * ((x[i] - x[j]) / x_sigma) ** 2)
            kernel_y = np.exp(-0.5 * ((y[i] - y[j]) / y_sigma) ** 2)
            total += (kernel_x - means[i] - means[j] + mean) * kernel_y
        every += total
    return every / (n - 1) ** 2
