/** The map: basemap, entities, marks; what was clicked; what part of the city is in view. */
import { AttributionControl, Map as GlMap, NavigationControl, ScaleControl, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Box, City } from "../data/types";
import type { Shown } from "../data/view";
import { t } from "../ui/i18n";
import { Entities, PLACED, type Placed } from "./entities";
import { addIcons } from "./icons";
import { Marks, type Place } from "./marks";
import { palette } from "./palette";
import { pixels } from "./pixels";

setWorkerUrl(workerUrl);

export interface MapEvents {
  picked(layer: Placed | "venues", id: string): void;
  moved(box: Box, zoom: number): void;
  /** A person took the map in hand. */
  grabbed(): void;
  /** The map has another size: what is followed may lie elsewhere in it. */
  resized(): void;
}

const CLICK_PX = 7;
const MARGIN = 0.25;
const SETTLE_MS = 250;

export class CityMap {
  readonly gl: GlMap;
  entities: Entities | null = null;
  marks: Marks | null = null;
  private settle = 0;

  constructor(
    container: HTMLElement,
    private readonly city: City,
    style: StyleSpecification,
    shown: Shown,
    private readonly events: MapEvents,
    ready: () => void,
  ) {
    const colours = palette();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.gl = new GlMap({
      container,
      style,
      bounds: city.bbox,
      fitBoundsOptions: { padding: 40 },
      minZoom: 6.5,
      maxZoom: 18,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: calm ? 0 : 150,
      ...pixels(location.search, window.devicePixelRatio),
      locale: { "Map.Title": t("app.map") },
    });
    container.classList.toggle("is-foreign", Boolean(city.style));
    this.gl.touchZoomRotate.disableRotation();
    this.gl.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
    this.gl.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
    this.gl.addControl(new AttributionControl({ compact: true, customAttribution: [] }), "bottom-left");
    this.gl.on("load", () => {
      addIcons(this.gl, colours);
      this.entities = new Entities(this.gl, shown, colours);
      this.marks = new Marks(this.gl, colours);
      shown.now.refresh();
      ready();
      this.tellMoved();
    });
    this.gl.on("moveend", () => {
      window.clearTimeout(this.settle);
      this.settle = window.setTimeout(() => this.tellMoved(), SETTLE_MS);
    });
    this.gl.on("resize", () => this.events.resized());
    this.gl.on("dragstart", () => this.events.grabbed());
    this.gl.on("click", (event) => this.pick(event.point.x, event.point.y));
    this.gl.on("mousemove", (event) => {
      if (this.gl.isMoving()) return;
      const hit = this.hit(event.point.x, event.point.y);
      this.gl.getCanvas().style.cursor = hit ? "pointer" : "";
    });
  }

  home(): void {
    const [west, south, east, north] = this.city.bbox;
    this.gl.fitBounds([west, south, east, north], { padding: 40, maxZoom: 13, duration: 0 });
  }

  goTo(place: Place, zoom?: number): void {
    const at = { center: [place[0], place[1]] as [number, number], zoom: zoom ?? this.gl.getZoom() };
    if (zoom === undefined || matchMedia("(prefers-reduced-motion: reduce)").matches) this.gl.jumpTo(at);
    else this.gl.flyTo({ ...at, duration: 1_200 });
  }

  follow(place: Place): void {
    this.gl.easeTo({ center: [place[0], place[1]], duration: 800 });
  }

  private hit(x: number, y: number): { layer: string; id: string; lon: number; lat: number } | null {
    if (!this.entities) return null;
    const layers = ["incidents", "vessels", "sensors", "cameras", "clusters", "venues"].filter((id) => this.gl.getLayer(id));
    const found = this.gl.queryRenderedFeatures(
      [[x - CLICK_PX, y - CLICK_PX], [x + CLICK_PX, y + CLICK_PX]],
      { layers },
    );
    const order = ["vessels", "incidents", "venues", "sensors", "cameras", "clusters"];
    found.sort((a, b) => order.indexOf(a.layer.id) - order.indexOf(b.layer.id));
    const first = found[0];
    if (!first || first.geometry.type !== "Point") return null;
    const [lon = 0, lat = 0] = first.geometry.coordinates;
    const id = String(first.properties["id"] ?? first.properties["code"] ?? first.id ?? "");
    return { layer: first.layer.id, id, lon, lat };
  }

  private pick(x: number, y: number): void {
    const hit = this.hit(x, y);
    if (!hit) return;
    if (hit.layer === "clusters") this.gl.easeTo({ center: [hit.lon, hit.lat], zoom: this.gl.getZoom() + 2 });
    else if (hit.layer === "venues" || (PLACED as readonly string[]).includes(hit.layer)) {
      this.events.picked(hit.layer as Placed | "venues", hit.id);
    }
  }

  private tellMoved(): void {
    const bounds = this.gl.getBounds();
    const wide = (bounds.getEast() - bounds.getWest()) * MARGIN;
    const high = (bounds.getNorth() - bounds.getSouth()) * MARGIN;
    this.events.moved(
      [bounds.getWest() - wide, bounds.getSouth() - high, bounds.getEast() + wide, bounds.getNorth() + high],
      this.gl.getZoom(),
    );
  }
}
