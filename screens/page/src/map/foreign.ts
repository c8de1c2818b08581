/** Another basemap, configured at the gateway: its style under the city's own lines. */
import type { LayerSpecification, StyleSpecification } from "maplibre-gl";
import type { City } from "../data/types";
import { basemap, useFont } from "./basemap";
import type { Colour } from "./palette";

const PATIENCE_MS = 10_000;
const PREFIX = "basemap/";
/** What a foreign basemap draws instead. */
const GROUND = new Set(["sea", "graticule", "outline-fill"]);

/** The style to begin with; the city's own where a foreign one does not come, and why not. */
export async function styleOf(city: City, colours: Record<Colour, string>): Promise<{ style: StyleSpecification; failed?: string }> {
  if (!city.style) return { style: basemap(city, colours) };
  try {
    const answer = await fetch(city.style, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(`${city.style}: ${answer.status}`);
    return { style: under((await answer.json()) as StyleSpecification, city, colours) };
  } catch (error) {
    return { style: basemap(city, colours), failed: (error as Error).message };
  }
}

function under(foreign: StyleSpecification, city: City, colours: Record<Colour, string>): StyleSpecification {
  // Where a style names a server of glyphs, all text comes from it: take a font that it has.
  const fonts = foreign.glyphs ? foreign.layers.map((layer) => (layer.type === "symbol" ? layer.layout?.["text-font"] : null)) : [];
  const font = fonts.find((one): one is string[] => Array.isArray(one) && one.every((name) => typeof name === "string"));
  if (font) useFont(font);
  const own = basemap(city, colours);
  // Its names get a prefix, so that none of them is one of ours.
  const sources = Object.entries(foreign.sources).map(([name, source]) => [PREFIX + name, source] as const);
  const layers = foreign.layers.map((layer): LayerSpecification => {
    const source = "source" in layer && typeof layer.source === "string" ? { source: PREFIX + layer.source } : {};
    return { ...layer, id: PREFIX + layer.id, ...source } as LayerSpecification;
  });
  return {
    ...foreign,
    sources: { ...Object.fromEntries(sources), ...own.sources },
    layers: [...layers, ...own.layers.filter(({ id }) => !GROUND.has(id))],
  };
}
