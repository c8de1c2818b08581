/** Cards of a sensor and of a camera. */
import { get } from "../data/api";
import type { Camera, Sensor } from "../data/types";
import type { Shown } from "../data/view";
import { chart, type Series } from "../ui/chart";
import { fill, h, setText } from "../ui/dom";
import { t, word } from "../ui/i18n";
import { aged, facts, rounded, section, type Card } from "./parts";

const RENEW_MS = 5_000;

export function sensorCard(id: string, shown: Shown): Card {
  const item = () => shown.now.get<Sensor>("sensors", id) ?? fetched;
  let fetched: Sensor | undefined;
  const kind = h("p", { class: "card-kind" });
  const big = h("p", { class: "big-value" });
  const limit = h("span");
  const graph = h("div", { class: "chart-box" });
  const fix = h("span");
  let age = aged(null);
  let ageOf = "";
  const load = async () => {
    try {
      fetched ??= await get<Sensor>(`/sensors/${encodeURIComponent(id)}`);
      const series = await get<Series>(`/sensors/${encodeURIComponent(id)}/series?minutes=60`);
      const said = t("sensor.chart", { name: id, limit: series.limit ?? t("app.none") });
      fill(graph, series.points.length > 1 ? chart(series, said) : h("p", { class: "note" }, t("sensor.noSeries")));
      tick();
    } catch (error) {
      fill(graph, h("p", { class: "note" }, t("app.failed", { why: (error as Error).message })));
    }
  };
  const tick = () => {
    const sensor = item();
    setText(kind, word("kind", sensor?.kind) || t("sensor.title"));
    big.dataset["level"] = sensor?.stale ? "stale" : (sensor?.level ?? "");
    setText(big, sensor ? `${rounded(sensor.value)} ${sensor.unit ?? ""}` : "–");
    setText(limit, typeof sensor?.limit === "number" ? `${rounded(sensor.limit)} ${sensor.unit ?? ""}` : t("app.none"));
    if ((sensor?.updated ?? "") !== ageOf) {
      ageOf = sensor?.updated ?? "";
      age = aged(ageOf);
      fill(fix, age.element);
    }
    age.tick();
  };
  void load();
  const renew = window.setInterval(() => void load(), RENEW_MS);
  tick();
  return {
    element: h(
      "div",
      {},
      kind,
      h("h2", {}, id),
      h(
        "div",
        { class: "card-body" },
        big,
        facts([t("sensor.limit"), limit], [t("sensor.now"), fix]),
        section(t("sensor.series"), graph),
      ),
    ),
    tick,
    place: () => placeOf(item()),
    end: () => window.clearInterval(renew),
  };
}

export function cameraCard(id: string, shown: Shown): Card {
  const item = () => shown.now.get<Camera>("cameras", id) ?? fetched;
  let fetched: Camera | undefined;
  const title = h("h2", {}, id);
  const body = h("div", { class: "card-body" });
  let drawnFor = "";
  let age = aged(null);
  const tick = () => {
    const camera = item();
    setText(title, camera?.name || id);
    const now = `${camera?.updated}${camera?.detection}${camera?.state}`;
    if (now !== drawnFor) {
      drawnFor = now;
      age = aged(camera?.updated);
      fill(
        body,
        facts(
          [t("camera.last"), camera?.detection ? `${word("kind", camera.detection)} ${camera.count ?? ""}` : t("app.none")],
          [t("sensor.now"), age.element],
          [t("matter.state"), word("device", camera?.state)],
        ),
      );
    }
    age.tick();
  };
  get<Camera>(`/cameras/${encodeURIComponent(id)}`).then(
    (camera) => {
      fetched = camera;
      tick();
    },
    () => undefined,
  );
  tick();
  return {
    element: h("div", {}, h("p", { class: "card-kind" }, t("camera.title")), title, body),
    tick,
    place: () => placeOf(item()),
  };
}

export function placeOf(item: { lon_deg?: number; lat_deg?: number } | undefined): readonly [number, number] | null {
  return item?.lon_deg !== undefined && item.lat_deg !== undefined ? [item.lon_deg, item.lat_deg] : null;
}
