/** Marks above the map: the selected thing, its track, and rings around danger to life. */
import { Marker, type GeoJSONSource, type Map as GlMap } from "maplibre-gl";
import { h } from "../ui/dom";
import type { Colour } from "./palette";

export type Place = readonly [lonDeg: number, latDeg: number];

export class Marks {
  private readonly selected: Marker;
  private shownSelected = false;
  private readonly dangers = new Map<string, Marker>();

  constructor(
    private readonly map: GlMap,
    colours: Record<Colour, string>,
  ) {
    map.addSource("track", { type: "geojson", lineMetrics: true, data: empty() });
    map.addLayer(
      {
        id: "track", type: "line", source: "track",
        layout: { "line-cap": "round", "line-join": "round" },
        paint: {
          "line-width": 2.5,
          "line-gradient": ["interpolate", ["linear"], ["line-progress"], 0, "rgba(92,200,255,0.08)", 1, colours.accent],
        },
      },
      "vessels",
    );
    this.selected = new Marker({ element: h("div", { class: "mark-selected", attrs: { "aria-hidden": "true" } }) });
  }

  select(place: Place | null): void {
    if (!place) {
      this.selected.remove();
      this.shownSelected = false;
      return;
    }
    this.selected.setLngLat([place[0], place[1]]);
    if (!this.shownSelected) this.selected.addTo(this.map);
    this.shownSelected = true;
  }

  track(line: GeoJSON.Feature | GeoJSON.FeatureCollection | null): void {
    this.map.getSource<GeoJSONSource>("track")?.setData(line ?? empty());
  }

  /** Ring exactly these places. */
  danger(places: ReadonlyMap<string, Place>): void {
    for (const [id, marker] of this.dangers) {
      if (!places.has(id)) {
        marker.remove();
        this.dangers.delete(id);
      }
    }
    for (const [id, place] of places) {
      const marker = this.dangers.get(id);
      if (marker) marker.setLngLat([place[0], place[1]]);
      else {
        const ring = h("div", { class: "mark-danger", attrs: { "aria-hidden": "true" } });
        this.dangers.set(id, new Marker({ element: ring }).setLngLat([place[0], place[1]]).addTo(this.map));
      }
    }
  }
}

function empty(): GeoJSON.FeatureCollection {
  return { type: "FeatureCollection", features: [] };
}
