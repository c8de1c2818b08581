/** The buttons of a matter: by role, with the fields that an action needs; the answer is an event. */
import type { Case } from "../data/cases";
import type { Command, Commands, Outcome } from "../data/commands";
import { nowMs } from "../data/time";
import type { Incident } from "../data/types";
import { button, fill, h, setText } from "../ui/dom";
import { t } from "../ui/i18n";
import { may } from "../ui/session";
import type { Key } from "../ui/strings";

type Field = "reason" | "to_unit" | "minutes" | "second" | "text" | "areas" | "departments";

interface Action {
  name: string;
  /** What the gateway calls it in a person's `may`. */
  right: string;
  topic: "case" | "incident";
  fields: readonly Field[];
  optional?: readonly Field[];
}

const CASE_STEPS: Record<string, readonly string[]> = {
  detected: ["accept"],
  dispatched: ["accept"],
  returned: ["accept"],
  accepted: ["depart"],
  departed: ["arrive"],
  "on-site": ["handle"],
  handled: ["verify"],
  verified: ["close"],
};

const ACTIONS: Record<string, Action> = {
  accept: { name: "accept", right: "accept", topic: "case", fields: [] },
  depart: { name: "depart", right: "depart", topic: "case", fields: [] },
  arrive: { name: "arrive", right: "arrive", topic: "case", fields: [] },
  handle: { name: "handle", right: "handle", topic: "case", fields: [] },
  verify: { name: "verify", right: "verify", topic: "case", fields: ["reason"] },
  close: { name: "close", right: "close", topic: "case", fields: ["reason"] },
  reassign: { name: "reassign", right: "reassign", topic: "case", fields: ["to_unit", "reason"] },
  return: { name: "return", right: "return", topic: "case", fields: ["reason"] },
  "false-alarm": { name: "false-alarm", right: "false-alarm", topic: "case", fields: ["reason"] },
  note: { name: "note", right: "note", topic: "case", fields: ["reason"] },
  silence: { name: "silence", right: "silence", topic: "incident", fields: ["minutes", "reason"], optional: ["second"] },
};

export const CITY_TASK: Action = {
  name: "city-task",
  right: "city-task",
  topic: "case",
  fields: ["text", "departments", "areas"],
  optional: ["departments", "areas"],
};

/** Which actions a matter offers to the person at the screen, the next step first. */
export function offered(record: Case | undefined, incident: Incident | undefined): Action[] {
  const names: string[] = [];
  if (record && record.open !== false) {
    names.push(...(CASE_STEPS[record.state ?? ""] ?? []), "reassign", "return", "false-alarm");
    if (!names.includes("close")) names.push("close");
  }
  if (incident && incident.open !== false) names.push("silence");
  return names.map((name) => ACTIONS[name]).filter((action): action is Action => action !== undefined && may(action.right));
}

export class Actions {
  readonly element = h("div", { class: "actions" });
  private readonly answer = h("p", { class: "answer", attrs: { role: "status", "aria-live": "polite" } });
  private readonly formPlace = h("div");
  private readonly buttons = h("div", { class: "action-buttons" });
  private drawn = "";

  constructor(
    private readonly commands: Commands,
    private readonly aim: () => { record: Case | undefined; incident: Incident | undefined },
  ) {
    fill(this.element, this.buttons, this.formPlace, this.answer);
  }

  /** Draw the buttons anew when what is offered has changed. */
  update(past: boolean): void {
    const { record, incident } = this.aim();
    const actions = past ? [] : offered(record, incident);
    const drawn = past ? "past" : actions.map((action) => action.name).join(" ") + t("act.title");
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const note = past ? t("act.past") : actions.length === 0 && (record || incident) ? t("act.readOnly") : "";
    fill(
      this.buttons,
      ...actions.map((action, i) =>
        button(t(`act.${action.name}` as Key), () => this.begin(action), i === 0 ? "primary" : "", {
          "data-action": action.name,
        }),
      ),
      note && h("p", { class: "note" }, note),
    );
  }

  /** Do the first offered step at once, if it needs no words. */
  first(): void {
    const { record, incident } = this.aim();
    const action = offered(record, incident)[0];
    if (action) this.begin(action);
  }

  private begin(action: Action): void {
    if (action.fields.length === 0) void this.send(action, {});
    else fill(this.formPlace, form(action, (values) => void this.send(action, values), () => fill(this.formPlace)));
    this.formPlace.querySelector<HTMLElement>("input, textarea")?.focus();
  }

  private async send(action: Action, values: Partial<Record<Field, string>>): Promise<void> {
    fill(this.formPlace);
    const { record, incident } = this.aim();
    await this.commands.send(commandOf(action, values, record, incident), (outcome) => tellOutcome(this.answer, outcome));
  }
}

/** Words for how a command stands, in a line that is read out. */
export function tellOutcome(line: HTMLElement, outcome: Outcome): void {
  line.dataset["tone"] = outcome.state;
  switch (outcome.state) {
    case "pending":
      setText(line, outcome.forS ? t("act.slow", { s: outcome.forS }) : t("act.pending"));
      break;
    case "accepted":
      setText(line, t("act.accepted"));
      break;
    case "refused":
      setText(line, t("act.refused", { why: outcome.why }));
      break;
  }
}

/** The wire form of what a person asked for. */
export function commandOf(
  action: Action,
  values: Partial<Record<Field, string>>,
  record: Case | undefined,
  incident: Incident | undefined,
): Command {
  const words = (text: string | undefined) => (text ?? "").split(/[\s,，、]+/).filter(Boolean);
  if (action.name === "silence") {
    const minutes = Math.min(10_080, Math.max(1, Number(values.minutes) || 30));
    return {
      topic: "incident",
      action: "silence",
      incident_id: incident?.id ?? "",
      kinds: incident?.kind ? [incident.kind] : [],
      ...(incident?.area ? { area: incident.area } : { subjects: incident?.subject ? [incident.subject] : [] }),
      until_time: new Date(nowMs() + minutes * 60_000).toISOString(),
      reason: values.reason ?? "",
      ...(values.second ? { second: values.second } : {}),
    };
  }
  if (action.name === "city-task") {
    return {
      topic: "case",
      action: "city-task",
      subject: "city",
      text: values.text ?? "",
      areas: words(values.areas),
      departments: words(values.departments),
    };
  }
  return {
    topic: "case",
    action: action.name,
    subject: record?.case_id ?? record?.id ?? "",
    ...(values.reason ? { reason: values.reason } : {}),
    ...(values.to_unit ? { to_unit: values.to_unit } : {}),
  };
}

const FIELD_LABEL: Record<Field, Key> = {
  reason: "act.reason",
  to_unit: "act.toUnit",
  minutes: "act.minutes",
  second: "act.second",
  text: "act.task",
  areas: "act.areas",
  departments: "act.departments",
};

/** A form of an action's fields. */
export function form(action: Action, send: (values: Partial<Record<Field, string>>) => void, cancel: () => void): HTMLFormElement {
  const inputs = new Map<Field, HTMLInputElement | HTMLTextAreaElement>();
  const rows = [...new Set([...action.fields, ...(action.optional ?? [])])].map((field) => {
    const id = `field-${action.name}-${field}`;
    const required = !action.optional?.includes(field);
    const input =
      field === "text" || field === "reason"
        ? h("textarea", { attrs: { id, rows: 2, required, maxlength: 500 } })
        : h("input", {
            attrs: { id, required, maxlength: 200, ...(field === "minutes" ? { type: "number", min: 1, max: 10_080, value: 30 } : {}) },
          });
    inputs.set(field, input);
    return h("p", {}, h("label", { attrs: { for: id } }, t(FIELD_LABEL[field])), input);
  });
  return h(
    "form",
    {
      class: "action-form",
      on: {
        submit: (event) => {
          event.preventDefault();
          send(Object.fromEntries([...inputs].map(([field, input]) => [field, input.value.trim()])));
        },
      },
    },
    h("h4", {}, t(`act.${action.name}` as Key)),
    ...rows,
    h("p", { class: "form-buttons" }, h("button", { class: "primary", attrs: { type: "submit" } }, t("act.send")), button(t("act.cancel"), cancel)),
  );
}
