/** The basemap: the city's own GeoJSON and a graticule; or a style that the city configures. */
import type { ExpressionSpecification, LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";
import type { City } from "../data/types";
import type { Colour } from "./palette";

const OWN_FONT = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "sans-serif"];
let font = OWN_FONT;

/** What labels are drawn in: the browser's own fonts, or one that a foreign style's server has. */
export function mapFont(): string[] {
  return font;
}

export function useFont(next: string[]): void {
  font = next;
}

const GRATICULE_DEG = 0.1;
const SEA_DEG = 2;
export const COMMUNITY_LABEL_ZOOM = 12.6;
export const GRID_ZOOM = 12.2;
export const MICRO_GRID_ZOOM = 14;

/** A style without any address outside: text is drawn by the browser's own fonts. */
export function basemap(city: City, colours: Record<Colour, string>): StyleSpecification {
  const sources: Record<string, SourceSpecification> = {
    graticule: { type: "geojson", data: graticule(city.bbox) },
  };
  const layers: LayerSpecification[] = [
    { id: "sea", type: "background", paint: { "background-color": colours.sea } },
    {
      id: "graticule",
      type: "line",
      source: "graticule",
      paint: { "line-color": colours["grid-line"], "line-width": 0.5, "line-opacity": 0.6 },
    },
  ];
  for (const [name, url] of Object.entries(city.basemap)) {
    sources[name] = { type: "geojson", data: url, promoteId: "id" };
  }
  const has = (name: string) => name in city.basemap;
  if (has("outline")) layers.push(...outline(colours));
  if (has("micro_grids")) {
    layers.push(line("micro_grids", colours["grid-line"], 0.5, { minzoom: MICRO_GRID_ZOOM }));
  }
  if (has("grids")) {
    layers.push(line("grids", colours["grid-line"], [11, 0.4, 16, 1.2], { minzoom: GRID_ZOOM }));
  }
  if (has("communities")) {
    layers.push(line("communities", colours["area-line"], [10, 0.4, 15, 1.6], { minzoom: 10 }));
  }
  if (has("outline")) layers.push(line("outline", colours["land-edge"], [9, 1, 14, 2.2]));
  if (has("fences")) layers.push(...fences(colours));
  if (has("harbours")) layers.push(...harbours(colours));
  if (has("communities")) {
    layers.push(label("communities", colours["text-3"], 11, { minzoom: COMMUNITY_LABEL_ZOOM }));
  }
  if (has("harbours")) layers.push(label("harbours", colours.harbour, 12, { minzoom: 8.5 }));
  if (has("venues")) layers.push(...venues(colours));
  return { version: 8, sources, layers };
}

function outline(colours: Record<Colour, string>): LayerSpecification[] {
  return [{ id: "outline-fill", type: "fill", source: "outline", paint: { "fill-color": colours.land } }];
}

/** Of the fences, the waters that a vessel may do wrong in; coverage and seasons span the sea. */
function fences(colours: Record<Colour, string>): LayerSpecification[] {
  const filter: ExpressionSpecification = ["in", ["get", "purpose"], ["literal", ["no-go", "speed-limit", "dwell-watch"]]];
  return [
    { id: "fences-fill", type: "fill", source: "fences", filter, paint: { "fill-color": colours.zone, "fill-opacity": 0.07 } },
    {
      id: "fences-line", type: "line", source: "fences", filter,
      paint: { "line-color": colours.zone, "line-width": 1, "line-dasharray": [3, 3], "line-opacity": 0.7 },
    },
  ];
}

function harbours(colours: Record<Colour, string>): LayerSpecification[] {
  return [
    { id: "harbours-fill", type: "fill", source: "harbours", paint: { "fill-color": colours.harbour, "fill-opacity": 0.1 } },
    line("harbours", colours.harbour, 1),
  ];
}

function venues(colours: Record<Colour, string>): LayerSpecification[] {
  return [
    {
      id: "venues",
      type: "circle",
      source: "venues",
      minzoom: 10.5,
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 3, 15, 9],
        "circle-color": "rgba(0,0,0,0)",
        "circle-stroke-color": colours["text-2"],
        "circle-stroke-width": 1.5,
      },
    },
    label("venues", colours["text-2"], 12, { minzoom: 12, offset: [0, 1.4] }),
  ];
}

/** A width is pixels, or zoom and pixels twice. */
function line(
  source: string,
  colour: string,
  width: number | [number, number, number, number],
  options: { minzoom?: number } = {},
): LayerSpecification {
  return {
    id: `${source}-line`,
    type: "line",
    source,
    ...options,
    paint: {
      "line-color": colour,
      "line-width": typeof width === "number" ? width : ["interpolate", ["linear"], ["zoom"], ...width],
    },
  };
}

function label(
  source: string,
  colour: string,
  size: number,
  options: { minzoom: number; offset?: [number, number] },
): LayerSpecification {
  return {
    id: `${source}-label`,
    type: "symbol",
    source,
    minzoom: options.minzoom,
    layout: {
      "text-field": ["coalesce", ["get", "name"], ""],
      "text-font": font,
      "text-size": size,
      "text-offset": options.offset ?? [0, 0],
      "text-padding": 8,
    },
    paint: { "text-color": colour, "text-halo-color": "rgba(7,11,16,0.9)", "text-halo-width": 1.2 },
  };
}

/** Meridians and parallels around the city, so that open sea has a scale too. */
function graticule(land: City["bbox"]): GeoJSON.FeatureCollection {
  const whole = (degrees: number) => Math.round(degrees * 2) / 2;
  const [west, south] = [whole(land[0]) - SEA_DEG, whole(land[1]) - SEA_DEG];
  const [east, north] = [whole(land[2]) + SEA_DEG, whole(land[3]) + SEA_DEG];
  const lines: GeoJSON.Feature[] = [];
  const add = (from: [number, number], to: [number, number]) =>
    lines.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [from, to] } });
  const steps = (low: number, high: number) =>
    Array.from({ length: Math.floor((high - low) / GRATICULE_DEG + 1e-6) + 1 }, (_, i) => low + i * GRATICULE_DEG);
  for (const lon of steps(west, east)) add([lon, south], [lon, north]);
  for (const lat of steps(south, north)) add([west, lat], [east, lat]);
  return { type: "FeatureCollection", features: lines };
}
