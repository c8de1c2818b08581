/** The page: who is there, which city it is, and everything wired together. */
import "@fontsource-variable/inter/wght.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/lists.css";
import "./styles/card.css";
import "./styles/map.css";
import "./styles/wall.css";
import type { StyleSpecification } from "maplibre-gl";
import { CardHost } from "./cards/host";
import { CITY_TASK, commandOf, outcomeWords } from "./cards/actions";
import { form } from "./cards/forms";
import { get, logOut, streamUrl, whoAmI } from "./data/api";
import { Commands } from "./data/commands";
import { Stream, type Subscription } from "./data/stream";
import { useZone } from "./data/time";
import type { Alert, Box, City, Frame, Layer, Person, Vessel } from "./data/types";
import { Shown } from "./data/view";
import { KpiStrip } from "./lists/kpi";
import { Lists } from "./lists/lists";
import { dangers } from "./lists/matters";
import { BlindSpots } from "./map/blind";
import { styleOf } from "./map/foreign";
import { LayerBox } from "./map/layerbox";
import { CityMap } from "./map/map";
import type { Place } from "./map/marks";
import { palette } from "./map/palette";
import { Alarm } from "./ui/alarm";
import { button, fill, h } from "./ui/dom";
import { Freshness } from "./ui/freshness";
import { lang, locale, setLang, t } from "./ui/i18n";
import { Holds } from "./ui/holds";
import { Keyboard, type Shortcut } from "./ui/keyboard";
import { login } from "./ui/login";
import { Search } from "./ui/search";
import { Selected, type Kind } from "./ui/selection";
import { may, setPerson } from "./ui/session";
import { Shell } from "./ui/shell";
import { Sound } from "./ui/sound";
import { TimeMachine } from "./ui/timemachine";
import { Toasts } from "./ui/toasts";

/** All of the city, whatever the map shows. */
const MATTERS: readonly Layer[] = ["alerts", "incidents", "cases", "orders", "reminders", "kpi", "commands", "holds", "vessels"];
/** Too many to have all at once: what the map shows. */
const AROUND: readonly Layer[] = ["sensors", "cameras"];
const FIRST_ZOOM = 11;
const DISTRESS_ZOOM = 12;
const PICKED: Record<string, Kind> = {
  vessels: "vessel", sensors: "sensor", cameras: "camera", incidents: "incident", venues: "venue",
};

const TONE = { pending: "pending", accepted: "good", refused: "bad" } as const;

async function start(root: HTMLElement): Promise<void> {
  document.documentElement.lang = locale();
  let person = await whoAmI();
  while (!person) {
    await login(root);
    person = await whoAmI();
  }
  setPerson(person);
  const city = await get<City>("/city");
  if (city.timezone) useZone(city.timezone);
  run(root, city, person);
}

function run(root: HTMLElement, city: City, person: Person): void {
  const shown = new Shown();
  const selected = new Selected();
  const commands = new Commands(shown);
  const shell = new Shell(city, person);
  const freshness = new Freshness(shell.frame);
  const sound = new Sound();
  const toasts = new Toasts();
  const lists = new Lists(shown, selected);
  const kpi = new KpiStrip(shown, city.code);
  let map: CityMap | null = null;
  const cards = new CardHost(shown, selected, commands, () => map?.marks ?? null);
  const layers = new LayerBox(() => map?.entities ?? null);
  const search = new Search(selected, (place) => map?.goTo(place, 14), () => cards.element.focus());
  const timeMachine = new TimeMachine(shown, shell.frame);
  const holds = new Holds(shown, commands, city.modes ?? []);
  const blind = new BlindSpots(() => map?.gl ?? null, palette(), "micro_grids" in city.basemap);

  const placeOfAlert = (alert: Alert): Place | null => {
    const vessel = shown.live.get<Vessel>("vessels", alert.subject ?? "");
    const at = vessel ?? alert;
    return at.lon_deg !== undefined && at.lat_deg !== undefined ? [at.lon_deg, at.lat_deg] : null;
  };
  const follow = (alert: Alert) => {
    const place = placeOfAlert(alert);
    if (alert.kind?.startsWith("vessel.") && alert.subject) selected.open("vessel", alert.subject, true);
    else selected.open("alert", alert.id);
    if (place) map?.goTo(place, DISTRESS_ZOOM);
  };
  const alarm = new Alarm(shown, sound, shell.frame, follow, (alert) => {
    // A vessel in distress takes the screen by itself, unless somebody follows another one.
    if (alert.kind === "vessel.distress" && !selected.current?.locked) follow(alert);
  });
  const keepUp = () => {
    const rings = new Map<string, Place>();
    for (const alert of dangers(shown.now)) {
      const place = placeOfAlert(alert);
      if (place) rings.set(alert.id, place);
    }
    map?.marks?.danger(rings);
    const place = selected.current?.locked ? cards.place() : null;
    if (place) map?.follow(place);
  };
  shown.on(["alerts", "vessels"], keepUp);

  const cityTask = () => {
    const box = h("dialog", { class: "help", attrs: { "aria-label": t("act.city-task") } });
    const send = form(
      CITY_TASK,
      (values) => {
        box.close();
        const toast = toasts.show(t("act.pending"), "pending");
        void commands.send(commandOf(CITY_TASK, values), (outcome) => {
          toast.say(outcomeWords(outcome), TONE[outcome.state]);
          const opened = outcome.state === "accepted" && outcome.reply.case_id;
          if (opened) selected.open("case", opened);
        });
      },
      () => box.close(),
    );
    fill(box, send);
    box.addEventListener("close", () => box.remove());
    shell.frame.append(box);
    box.showModal();
  };
  const lookBack = () => {
    timeMachine.switch();
    shell.press("past.open", timeMachine.isOpen);
  };
  const lookBlind = () => {
    void blind.switch();
    shell.press("layer.blind", blind.isOpen);
  };
  const lookHolds = () => {
    holds.switch();
    shell.press("holds.title", holds.isOpen);
  };
  const home = () => map?.home();
  const shortcuts: Shortcut[] = [
    { keys: ["/"], what: "help.search", run: () => search.focus() },
    { keys: ["j", "k"], what: "help.next", run: (key) => lists.step(key === "j" ? 1 : -1) },
    { keys: ["c"], what: "help.tabs", run: () => lists.switchTab() },
    { keys: ["d"], what: "help.details", run: () => cards.element.focus() },
    { keys: ["a"], what: "help.accept", run: () => cards.first() },
    { keys: ["q"], what: "help.quiet", run: () => alarm.quiet() },
    { keys: ["1", "2", "3", "4", "5"], shown: "1 – 5", what: "help.layers", run: (key) => layers.toggle(Number(key)) },
    { keys: ["h"], what: "help.home", run: home },
    { keys: ["t"], what: "help.time", run: lookBack },
    { keys: ["b"], what: "help.blind", run: lookBlind },
    { keys: ["s"], what: "holds.title", run: lookHolds },
    { keys: ["w"], what: "help.layout", run: () => { shell.switchLayout(); map?.gl.resize(); } },
    { keys: ["l"], what: "help.lang", run: () => setLang(lang() === "zh" ? "en" : "zh") },
    { keys: ["Escape"], shown: "Esc", what: "help.escape", run: () => selected.current?.locked ? selected.lock(false) : selected.close() },
    { keys: ["?"], what: "app.help", run: () => keyboard.openHelp() },
  ];
  const keyboard = new Keyboard(shortcuts);
  const tools = [
    { what: "past.open" as const, key: "T", run: lookBack },
    { what: "layer.blind" as const, key: "B", run: lookBlind },
    { what: "holds.title" as const, key: "S", run: lookHolds },
    ...(may("city-task") ? [{ what: "act.city-task" as const, key: "", run: cityTask }] : []),
    { what: "app.layout" as const, key: "W", run: () => { shell.switchLayout(); map?.gl.resize(); } },
    { what: "app.help" as const, key: "?", run: () => keyboard.openHelp() },
  ];
  shell.build(
    root,
    {
      liveState: freshness.state, banner: freshness.banner, alarm: alarm.element, kpi: kpi.element, search: search.element,
      sound: sound.control, lists: lists.element, card: cards.element, layers: layers.element, blind: blind.element,
      holds: holds.element, holdsBanner: holds.banner,
      timeMachine: timeMachine.element, toasts: toasts.element, help: keyboard.help,
    },
    tools,
    () => void logOut().finally(() => location.reload()),
  );

  const around = stream("map", { layers: AROUND, zoom: FIRST_ZOOM }, shown, freshness);
  stream("matters", { layers: MATTERS }, shown, freshness);
  const draw = (style: StyleSpecification) => {
    try {
      map = new CityMap(
        shell.mapBox,
        city,
        style,
        shown,
        {
          picked: (layer, id) => {
            const kind = PICKED[layer];
            if (kind) selected.open(kind, id);
          },
          moved: (box: Box, zoom: number) => {
            around.subscribe({ layers: AROUND, box, zoom });
            timeMachine.moved(box, zoom);
          },
          grabbed: () => selected.lock(false),
          resized: keepUp,
        },
        () => {
          const danger = dangers(shown.live).find((alert) => alert.kind === "vessel.distress");
          if (danger) follow(danger);
          cards.redraw();
          keepUp();
          shell.frame.dataset["map"] = "ready";
        },
      );
    } catch {
      fill(shell.mapBox, h("p", { class: "no-map" }, t("live.noMap")));
    }
  };
  void styleOf(city, palette()).then(({ style, failed }) => {
    if (failed) toasts.show(t("live.noBasemap", { why: failed }), "bad");
    draw(style);
  });
  window.setInterval(() => {
    shell.tick();
    freshness.tick();
    lists.tick();
    kpi.tick();
    holds.tick();
    cards.tick();
  }, 1_000);
}

/** Open a stream into the live store, and tell of its health. */
function stream(name: string, subscription: Subscription, shown: Shown, freshness: Freshness): Stream {
  const take = (frame: Frame) => {
    switch (frame.type) {
      case "snapshot":
        shown.live.replace(frame.layers ?? {}, frame.clusters ?? {}, subscription.layers);
        break;
      case "delta":
        shown.live.change(frame.upserts, frame.changes, frame.removes, frame.clusters);
        break;
      case "health":
        freshness.health(frame.now, frame.feeds);
        break;
      case "resync":
        break; // what is shown stays until the snapshot that follows
    }
  };
  const opened = new Stream(streamUrl(), subscription, {
    frame: take,
    lost: (sinceMs) => freshness.lost(name, sinceMs),
    // The gateway may be back, but the session over: then to the login.
    retrying: () => void whoAmI().then((person) => person ?? location.reload(), () => undefined),
  });
  opened.start();
  return opened;
}

function fail(root: HTMLElement, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error);
  fill(root, h("main", { class: "login" }, h("div", { class: "login-form" }, h("h1", {}, t("login.away")), h("p", {}, why), button("↻", () => location.reload(), "primary"))));
}

start(document.body).catch((error: unknown) => fail(document.body, error));
