/** Map icons, drawn here: no picture comes from outside. */
import type { Map as GlMap } from "maplibre-gl";
import type { Colour } from "./palette";

const SIZE = 44;
const RATIO = 2;

/** Add the vessel's arrow (bow up, to be turned by its course) in each of its colours. */
export function addIcons(map: GlMap, colours: Record<Colour, string>): void {
  const vessels: [string, string][] = [
    ["vessel-ok", colours.accent],
    ["vessel-alert", colours.warn],
    ["vessel-distress", colours.life],
    ["vessel-stale", colours.stale],
  ];
  for (const [name, colour] of vessels) map.addImage(name, hull(colour, colours.sea), { pixelRatio: RATIO });
}

function hull(colour: string, edge: string): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("this browser has no 2D canvas");
  pen.translate(SIZE / 2, SIZE / 2);
  pen.beginPath();
  pen.moveTo(0, -19);
  pen.quadraticCurveTo(10, -6, 9, 15);
  pen.lineTo(0, 10);
  pen.lineTo(-9, 15);
  pen.quadraticCurveTo(-10, -6, 0, -19);
  pen.closePath();
  pen.fillStyle = colour;
  pen.strokeStyle = edge;
  pen.lineWidth = 2.5;
  pen.fill();
  pen.stroke();
  return pen.getImageData(0, 0, SIZE, SIZE);
}
