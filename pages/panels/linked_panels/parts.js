/** The parts that the map falls into, such as domains: where their borders are, and a click. */

/**
 * @typedef {import("./data.js").Parts} PartsSpec
 * @typedef {import("./borders.js").Parted} Parted
 * @typedef {import("./data.js").Numbers} Numbers
 */

export class Parts {
  /**
   * @param {import("./points.js").Points} points
   * @param {import("./shared_state.js").SharedState} shared
   * @param {(part: Partial<import("./data.js").State>, announcement: string, later: boolean) =>
   *   void} change the state
   */
  constructor(points, shared, change) {
    this.points = points;
    this.shared = shared;
    this.change = change;
    /**
     * The threshold being chosen.
     * @type {number|null}
     */
    this.preview = null;
  }

  /** @returns {PartsSpec|null} */
  get spec() {
    return this.points.data.parts;
  }

  /** The threshold whose borders are drawn, or null where there is none to choose. */
  get threshold() {
    return this.live ?? this.spec?.plateau?.threshold ?? null;
  }

  /** The threshold that the server has not cut at yet, or null. */
  get live() {
    const plateau = this.spec?.plateau;
    if (!plateau) return null;
    if (this.preview !== null) return this.preview;
    const asked = this.shared.state.threshold ?? null;
    return asked === plateau.asked ? null : asked ?? plateau.automatic;
  }

  /** All that the lines depend on, as text. */
  get signature() {
    const { spec, live, points } = this;
    if (!spec?.lines) return "";
    return JSON.stringify([live, points.urls([spec.labels, ...(spec.saliency ?? [])])]);
  }

  /**
   * Whether a line runs between two neighbors: by the labels that the server sent or, while
   * another threshold is being chosen, by how salient the border between them is.
   * @returns {Parted|null} null where no borders are drawn
   */
  get parted() {
    const { spec, live, points: { arrays } } = this;
    if (!spec || !spec.lines) return null;
    if (live === null) {
      const labels = arrays.get(spec.labels);
      return labels ? (i, j) => labels[i] !== labels[j] : null;
    }
    const saliency = (spec.saliency ?? []).map((name) => arrays.get(name));
    if (!saliency.length || saliency.includes(undefined)) return null;
    const ways = /** @type {Numbers[]} */ (saliency);
    return (i, _, way) => ways[way][i] > live;
  }

  /**
   * Choose a threshold for good; null is the automatic one.
   * @param {number|null} threshold
   */
  choose(threshold) {
    this.preview = null;
    if (threshold === (this.shared.state.threshold ?? null)) return;
    const text = threshold === null ? "Automatic threshold." : `Threshold ${threshold}.`;
    const { A, B } = this.shared.state.selections;
    /** @param {import("./data.js").Shape} shape */
    const stays = ({ panel }) => panel !== this.spec?.panel;
    // The numbers of parts will mean others.
    const selections = { A: A.filter(stays), B: B.filter(stays) };
    const same = selections.A.length === A.length && selections.B.length === B.length;
    // Later, because another arrow key may follow.
    this.change({ threshold, ...(same ? {} : { selections }) }, text, true);
  }

  /**
   * The stroke that selects the part of a point, or null where the point is in none.
   * @param {number} point or −1
   * @param {import("./data.js").Mode} mode
   * @returns {import("./data.js").Shape|null}
   */
  stroke(point, mode) {
    const { spec } = this;
    const label = spec && point >= 0 ? this.points.arrays.get(spec.labels)?.[point] ?? -1 : -1;
    if (!spec || label < 0) return null;
    return { panel: spec.panel, kind: "box", points: [[label - 0.5, -1], [label + 0.5, 1]], mode };
  }
}
