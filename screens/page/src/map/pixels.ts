/** How many pixels the map is drawn with. */

const LEAST = 0.25;

/**
 * `?pixels=0.5` asks for half of them each way, a quarter in all: for a display that draws
 * without a GPU, where every pixel costs. Without it the map keeps to the display's own.
 */
export function pixels(query: string, ofDisplay: number): { pixelRatio?: number } {
  const share = Number(new URLSearchParams(query).get("pixels") ?? 1);
  return share >= LEAST && share < 1 ? { pixelRatio: ofDisplay * share } : {};
}
