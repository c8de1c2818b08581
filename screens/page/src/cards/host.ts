/** The panel that holds the card of what is selected. */
import type { Commands } from "../data/commands";
import type { Shown } from "../data/view";
import type { Marks } from "../map/marks";
import { button, fill, h } from "../ui/dom";
import { onLang, t } from "../ui/i18n";
import type { Selected, Selection } from "../ui/selection";
import { cameraCard, sensorCard } from "./devices";
import { matterCard, type MatterCard } from "./matter";
import type { Card } from "./parts";
import { venueCard } from "./venue";
import { vesselCard } from "./vessel";

export class CardHost {
  readonly element = h("aside", { class: "card", attrs: { tabindex: -1 } });
  private card: (Card & Partial<Pick<MatterCard, "first">>) | null = null;
  private shownFor = "";
  private cameFrom: HTMLElement | null = null;
  private track: GeoJSON.Feature | null = null;

  constructor(
    private readonly shown: Shown,
    private readonly selected: Selected,
    private readonly commands: Commands,
    private readonly marks: () => Marks | null,
  ) {
    this.element.hidden = true;
    selected.on((selection) => this.show(selection));
    shown.on(["vessels", "sensors", "cameras", "cases", "incidents", "alerts"], () => this.tick());
    onLang(() => {
      this.shownFor = "";
      this.show(selected.current);
    });
  }

  tick(): void {
    this.card?.tick();
    this.marks()?.select(this.card?.place() ?? null);
  }

  /** Draw on a map that came after the card. */
  redraw(): void {
    this.marks()?.track(this.track);
    this.tick();
  }

  place(): readonly [number, number] | null {
    return this.card?.place() ?? null;
  }

  /** Do the first step that the matter shown offers. */
  first(): void {
    this.card?.first?.();
  }

  private show(selection: Selection | null): void {
    const key = selection ? `${selection.kind}/${selection.id}` : "";
    if (key === this.shownFor) {
      this.tick();
      return;
    }
    const opened = this.shownFor === "";
    this.shownFor = key;
    this.card?.end?.();
    this.card = selection ? this.make(selection) : null;
    this.element.hidden = !this.card;
    this.element.setAttribute("aria-label", t("app.details"));
    if (!this.card) {
      fill(this.element);
      this.marks()?.select(null);
      this.cameFrom?.focus();
      return;
    }
    if (opened && document.activeElement instanceof HTMLElement) this.cameFrom = document.activeElement;
    fill(
      this.element,
      button("×", () => this.selected.close(), "card-close", { "aria-label": t("app.close") }),
      this.card.element,
    );
    this.element.scrollTop = 0;
    this.tick();
  }

  private make({ kind, id }: Selection): Card {
    switch (kind) {
      case "vessel":
        return vesselCard(id, this.shown, this.selected, (track) => {
          this.track = track;
          this.marks()?.track(track);
        });
      case "sensor":
        return sensorCard(id, this.shown);
      case "camera":
        return cameraCard(id, this.shown);
      case "venue":
        return venueCard(id);
      case "case":
      case "incident":
      case "alert":
        return matterCard(kind, id, this.shown, this.selected, this.commands);
    }
  }
}
