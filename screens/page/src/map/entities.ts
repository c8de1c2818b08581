/** The moving things on the map: one GeoJSON source a layer, changed by what changed. */
import type { ExpressionSpecification, GeoJSONSource, GeoJSONSourceDiff, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { ms, nowMs } from "../data/time";
import type { Change } from "../data/store";
import type { Alert, Camera, Cluster, Incident, Item, Layer, Sensor, Vessel } from "../data/types";
import type { Shown } from "../data/view";
import { mapFont } from "./basemap";
import type { Colour } from "./palette";

export const PLACED = ["cameras", "sensors", "incidents", "vessels"] as const satisfies readonly Layer[];
export type Placed = (typeof PLACED)[number];
/** What can be switched off: the moving things, and the lines of the city's areas. */
export type Switched = Placed | "grids";
const GRIDS: ReadonlySet<string> = new Set(["communities", "grids", "micro_grids"]);

type State = "ok" | "warn" | "over" | "life" | "stale";
/** A camera stands out for this long after it saw something. */
const SEEN_LATELY_MS = 300_000;

type Feature = GeoJSON.Feature<GeoJSON.Point>;

/** How an item looks: its state and, for a vessel, its course. */
export function look(layer: Placed, item: Item): { state: State; turn?: number } {
  switch (layer) {
    case "vessels": {
      const vessel = item as Vessel;
      const turn = vessel.cog_deg ?? 0;
      if (vessel.distress) return { state: "life", turn };
      if (vessel.stale) return { state: "stale", turn };
      return { state: vessel.alert ? "warn" : "ok", turn };
    }
    case "sensors": {
      const sensor = item as Sensor;
      return { state: sensor.stale ? "stale" : (sensor.level ?? "ok") };
    }
    case "cameras": {
      const camera = item as Camera;
      if (camera.state === "offline" || camera.state === "dead") return { state: "stale" };
      const seen = camera.detection ? ms(camera.updated) : null;
      return { state: seen !== null && nowMs() - seen < SEEN_LATELY_MS ? "warn" : "ok" };
    }
    case "incidents": {
      const incident = item as Incident & Alert;
      if (incident.life_safety) return { state: "life" };
      const severe = incident.severity === "Severe" || incident.severity === "Extreme";
      return { state: severe ? "over" : "warn" };
    }
  }
}

function feature(layer: Placed, item: Item): Feature | null {
  if (typeof item.lon_deg !== "number" || typeof item.lat_deg !== "number") return null;
  if (layer === "incidents" && item.open === false) return null;
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: [item.lon_deg, item.lat_deg] },
    properties: { id: item.id, ...look(layer, item) },
  };
}

export class Entities {
  private readonly visible = new Set<Switched>([...PLACED, "grids"]);

  constructor(
    private readonly map: GlMap,
    private readonly shown: Shown,
    colours: Record<Colour, string>,
  ) {
    for (const layer of PLACED) {
      map.addSource(layer, {
        type: "geojson",
        data: { type: "FeatureCollection", features: [] },
        promoteId: "id",
        maxzoom: 13,
        buffer: 32,
        tolerance: 0,
      });
    }
    map.addSource("clusters", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    for (const spec of looks(colours)) map.addLayer(spec);
    shown.on(PLACED, (changes) => this.apply(changes));
  }

  toggle(layer: Switched): void {
    if (!this.visible.delete(layer)) this.visible.add(layer);
    const value = this.visible.has(layer) ? "visible" : "none";
    for (const spec of this.map.getStyle().layers) {
      if (!("source" in spec)) continue;
      // What is filled of the areas is no line of theirs: the blind spots.
      const isOf = layer === "grids" ? GRIDS.has(spec.source) && spec.type !== "fill" : spec.source === layer;
      if (isOf) this.map.setLayoutProperty(spec.id, "visibility", value);
    }
    this.drawClusters();
  }

  private apply(changes: ReadonlyMap<Layer, Change>): void {
    for (const layer of PLACED) {
      const change = changes.get(layer);
      if (change) this.draw(layer, change);
    }
    this.drawClusters();
  }

  private draw(layer: Placed, change: Change): void {
    const source = this.map.getSource<GeoJSONSource>(layer);
    const table = this.shown.now.all(layer);
    if (change.reset) {
      const features = [...table.values()].map((item) => feature(layer, item)).filter((one) => one !== null);
      source?.setData({ type: "FeatureCollection", features });
      return;
    }
    const diff: Required<Pick<GeoJSONSourceDiff, "add" | "remove">> = { add: [], remove: [...change.removes] };
    for (const id of change.upserts) {
      const item = table.get(id);
      const drawn = item ? feature(layer, item) : null;
      if (drawn) diff.add.push(drawn);
      else diff.remove.push(id);
    }
    if (diff.add.length || diff.remove.length) source?.updateData(diff);
  }

  /** Layers are clustered by the same cells: one mark for each, however many layers meet in it. */
  private drawClusters(): void {
    const cells = new Map<string, Required<Cluster>>();
    for (const layer of PLACED) {
      if (!this.visible.has(layer)) continue;
      for (const { id, lon_deg, lat_deg, count, over = 0, warn = 0, stale = 0 } of this.shown.now.clusters(layer)) {
        if (lon_deg === undefined || lat_deg === undefined) continue;
        const before = cells.get(id);
        const share = before ? count / (before.count + count) : 1;
        cells.set(id, {
          id,
          lon_deg: before ? before.lon_deg + (lon_deg - before.lon_deg) * share : lon_deg,
          lat_deg: before ? before.lat_deg + (lat_deg - before.lat_deg) * share : lat_deg,
          count: count + (before?.count ?? 0),
          over: over + (before?.over ?? 0),
          warn: warn + (before?.warn ?? 0),
          stale: stale + (before?.stale ?? 0),
        });
      }
    }
    const features = [...cells.values()].map(({ lon_deg, lat_deg, count, over, warn }): Feature => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [lon_deg, lat_deg] },
      properties: { count, said: brief(count), bad: over + warn, state: over ? "over" : "warn" },
    }));
    this.map.getSource<GeoJSONSource>("clusters")?.setData({ type: "FeatureCollection", features });
  }
}

function brief(count: number): string {
  return count < 1000 ? String(count) : `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`;
}

function looks(colours: Record<Colour, string>): LayerSpecification[] {
  const byState = (ok: string): ExpressionSpecification => [
    "match", ["get", "state"],
    "warn", colours.warn, "over", colours.over, "life", colours.life, "stale", colours.stale, ok,
  ];
  const zoomed = (...stops: number[]): ExpressionSpecification =>
    ["interpolate", ["linear"], ["zoom"], ...stops] as unknown as ExpressionSpecification;
  return [
    {
      id: "clusters", type: "circle", source: "clusters",
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["get", "count"], 2, 5, 60, 10, 200, 15, 1000, 22, 5000, 30],
        "circle-color": colours.camera, "circle-opacity": 0.16,
        "circle-stroke-color": colours.camera, "circle-stroke-width": 1, "circle-stroke-opacity": 0.35,
      },
    },
    {
      id: "clusters-count", type: "symbol", source: "clusters", filter: [">", ["get", "count"], 4],
      layout: { "text-field": ["get", "said"], "text-font": mapFont(), "text-size": 10, "text-allow-overlap": true },
      paint: { "text-color": colours["text-2"] },
    },
    {
      // How many of them are near or over their limit: trouble has colour, calm has none.
      id: "clusters-bad", type: "circle", source: "clusters", filter: [">", ["get", "bad"], 0],
      paint: {
        "circle-radius": 6.5, "circle-translate": [11, -9],
        "circle-color": byState(colours.warn), "circle-stroke-color": colours.land, "circle-stroke-width": 1.5,
      },
    },
    {
      id: "clusters-bad-count", type: "symbol", source: "clusters", filter: [">", ["get", "bad"], 0],
      layout: { "text-field": ["to-string", ["get", "bad"]], "text-font": mapFont(), "text-size": 9.5, "text-allow-overlap": true },
      paint: { "text-color": colours["ink-1"], "text-translate": [11, -9] },
    },
    {
      id: "cameras", type: "circle", source: "cameras",
      paint: {
        "circle-radius": zoomed(10, 1.1, 13, 2.2, 16, 5),
        "circle-color": byState(colours.camera),
        "circle-opacity": zoomed(10, 0.55, 14, 0.95),
      },
    },
    {
      id: "sensors-glow", type: "circle", source: "sensors", filter: ["in", ["get", "state"], ["literal", ["warn", "over"]]],
      paint: {
        "circle-radius": zoomed(10, 6, 13, 12, 16, 22),
        "circle-color": byState(colours.ok), "circle-opacity": 0.22, "circle-blur": 0.7,
      },
    },
    {
      id: "sensors", type: "circle", source: "sensors",
      layout: { "circle-sort-key": ["match", ["get", "state"], "over", 3, "warn", 2, "ok", 1, 0] },
      paint: {
        "circle-radius": zoomed(10, 1.4, 13, 3.2, 16, 7),
        "circle-color": byState(colours.ok),
        "circle-stroke-color": colours.sea,
        "circle-stroke-width": zoomed(11, 0, 14, 1),
      },
    },
    {
      id: "incidents", type: "circle", source: "incidents",
      paint: {
        "circle-radius": zoomed(9, 7, 13, 12, 16, 18),
        "circle-color": byState(colours.warn), "circle-opacity": 0.14,
        "circle-stroke-color": byState(colours.warn), "circle-stroke-width": 2,
      },
    },
    {
      id: "vessels", type: "symbol", source: "vessels",
      layout: {
        "icon-image": ["match", ["get", "state"], "life", "vessel-distress", "warn", "vessel-alert", "stale", "vessel-stale", "vessel-ok"],
        "icon-rotate": ["coalesce", ["get", "turn"], 0],
        "icon-rotation-alignment": "map",
        "icon-size": zoomed(8, 0.5, 11, 0.8, 15, 1.3),
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["match", ["get", "state"], "life", 3, "warn", 2, "ok", 1, 0],
      },
    },
  ];
}
