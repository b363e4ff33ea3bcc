// Small plots in SVG: a line for a quantity, bars for what happened. No axes: the number stands beside.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 150;
const HEIGHT = 30;

/** Draws `values`, the last at the right edge, as a line over an area. `null` is a gap. */
export function line(svg, values) {
  const top = Math.max(...values.map((value) => value ?? 0), 0) * 1.15 || 1;
  const points = place(values, top);
  const runs = [];
  points.forEach((point, at) => {
    if (point === null) return;
    if (at === 0 || points[at - 1] === null) runs.push([]);
    runs.at(-1).push(point);
  });
  const outlines = runs.map((run) => "M" + run.map(([x, y]) => `${x} ${y}`).join("L"));
  const areas = runs.map((run, at) => `${outlines[at]}L${run.at(-1)[0]} ${HEIGHT}L${run[0][0]} ${HEIGHT}Z`);
  draw(svg, { area: areas.join(""), line: outlines.join("") });
}

/** Draws `values` as bars. */
export function bars(svg, values) {
  const top = Math.max(...values.map((value) => value ?? 0), 1);
  const marks = place(values, top).filter((point) => point !== null && point[1] < HEIGHT);
  draw(svg, { bars: marks.map(([x, y]) => `M${x} ${HEIGHT}V${y}`).join("") });
}

/** How many values fit into a plot. */
export const LENGTH = WIDTH;

function place(values, top) {
  const first = WIDTH - values.length;
  const height = HEIGHT - 2; // room for the line's own width
  return values.map((value, at) =>
    value === null ? null : [first + at + 0.5, +(HEIGHT - (Math.min(value, top) / top) * height).toFixed(2)]);
}

/** Puts one path of each class into the picture, and leaves the elements that are there in place. */
function draw(svg, shapes) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  for (const [name, shape] of Object.entries(shapes)) {
    let path = svg.querySelector(`.${name}`);
    if (path === null) {
      path = document.createElementNS(SVG, "path");
      path.setAttribute("class", name);
      svg.append(path);
    }
    path.setAttribute("d", shape);
  }
}
