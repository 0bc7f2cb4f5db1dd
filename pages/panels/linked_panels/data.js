/** Questions about the data that the server sent. */

/** Names of the arrays that the first picture needs. */
export function neededArrays(data) {
  const names = new Set();
  for (const spec of data.panels) {
    const coloring = data.colorings[spec.color];
    for (const name of [spec.x, spec.y, coloring.array, coloring.labels, coloring.value]) {
      if (name) names.add(name);
    }
  }
  for (const slot of Object.values(data.state.selections)) {
    for (const shape of slot) for (const name of data.frames[shape.panel] ?? []) names.add(name);
  }
  for (const name of ["x", "y", "row", "col", "kept"]) if (data.arrays[name]) names.add(name);
  return [...names];
}

/** Whether two views have the same points at the same places. */
export function sameAxes(a, b) {
  if (!a) return false;
  const places = (data) => JSON.stringify(
    Object.entries(data.frames).map(([id, names]) => [id, names.map((k) => data.arrays[k]?.url)])
      .concat([["x", data.arrays.x?.url], ["y", data.arrays.y?.url]]),
  );
  return places(a) === places(b);
}

/** The whole map: cells are centred on their coordinates. */
export function gridRange({ shape: [rows, columns], origin: [x, y], step: [dx, dy] }) {
  return {
    x0: x - dx / 2,
    x1: x + (columns - 0.5) * dx,
    y0: y - dy / 2,
    y1: y + (rows - 0.5) * dy,
  };
}

/** The range of the points with a margin. */
export function pointRange(x, y) {
  const along = (values) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < values.length; i++) {
      const v = values[i];
      if (v < low) low = v;
      if (v > high && v !== Infinity) high = v;
    }
    if (!Number.isFinite(low) || high < low) return [0, 1];
    const margin = high > low ? (high - low) * 0.04 : Math.abs(low) * 0.04 || 0.5;
    return [low - margin, high + margin];
  };
  const [x0, x1] = along(x);
  const [y0, y1] = along(y);
  return { x0, x1, y0, y1 };
}
