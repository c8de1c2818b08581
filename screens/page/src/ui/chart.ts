/** A sensor's values against its limit, as one SVG. */
import { timeOfDay } from "../data/time";
import { svg } from "./dom";

export interface Series {
  unit: string;
  limit?: number | null;
  points: [atMs: number, value: number][];
}

const WIDE = 360;
const HIGH = 132;
const LEFT = 34;
const BOTTOM = 18;
const TOP = 8;
/** A longer pause between two values is a hole, not a line. */
const HOLE_MS = 180_000;

/** Draw a series; `label` says in words what it shows. */
export function chart(series: Series, label: string): SVGSVGElement {
  const { points } = series;
  const limit = series.limit ?? null;
  const values = points.map(([, value]) => value);
  const [low, high] = range(limit === null ? values : [...values, limit]);
  const fromMs = points[0]?.[0] ?? 0;
  const toMs = points.at(-1)?.[0] ?? 1;
  const x = (at: number) => LEFT + ((at - fromMs) / Math.max(1, toMs - fromMs)) * (WIDE - LEFT - 6);
  const y = (value: number) => TOP + (1 - (value - low) / (high - low)) * (HIGH - TOP - BOTTOM);
  const root = svg("svg", { class: "chart", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label });
  for (const tick of ticks(low, high)) {
    root.append(
      svg("line", { class: "chart-grid", x1: LEFT, x2: WIDE - 6, y1: y(tick), y2: y(tick) }),
      svg("text", { class: "chart-tick", x: LEFT - 6, y: y(tick) + 3, "text-anchor": "end" }, number(tick)),
    );
  }
  if (limit !== null) {
    root.append(
      svg("rect", { class: "chart-over", x: LEFT, y: TOP, width: WIDE - LEFT - 6, height: Math.max(0, y(limit) - TOP) }),
      svg("line", { class: "chart-limit", x1: LEFT, x2: WIDE - 6, y1: y(limit), y2: y(limit) }),
      svg("text", { class: "chart-limit-text", x: WIDE - 8, y: y(limit) - 4, "text-anchor": "end" }, number(limit)),
    );
  }
  root.append(svg("path", { class: "chart-line", d: path(points, x, y) }));
  const last = points.at(-1);
  if (last) root.append(svg("circle", { class: "chart-now", cx: x(last[0]), cy: y(last[1]), r: 3 }));
  root.append(
    svg("text", { class: "chart-tick", x: LEFT, y: HIGH - 4 }, timeOfDay(fromMs, false)),
    svg("text", { class: "chart-tick", x: WIDE - 6, y: HIGH - 4, "text-anchor": "end" }, timeOfDay(toMs, false)),
  );
  return root;
}

function path(points: Series["points"], x: (at: number) => number, y: (value: number) => number): string {
  let before = Number.NEGATIVE_INFINITY;
  return points
    .map(([at, value]) => {
      const pen = at - before > HOLE_MS ? "M" : "L";
      before = at;
      return `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join("");
}

function range(values: number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = Math.max(1e-6, (high - low) * 0.12, Math.abs(high) * 0.02);
  return [low - room, high + room];
}

function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const found: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) found.push(tick);
  return found;
}

function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}
