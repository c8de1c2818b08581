/** What can be asked for, the fields that each needs, and a form of them. */
import { button, h } from "../ui/dom";
import { t } from "../ui/i18n";
import type { Key } from "../ui/strings";

export type Field = "reason" | "to_unit" | "minutes" | "second" | "text" | "areas" | "alert_ids" | "others" | "for_unit";

export interface Action {
  name: string;
  /** What the gateway calls it in a person's `may`. */
  right: string;
  topic: "case" | "incident";
  fields: readonly Field[];
  optional?: readonly Field[];
}

/** One of several things that a field may name. */
export interface Choice {
  id: string;
  label: string;
}

/** What a person filled in; of a field with choices, their ids. */
export type Values = Partial<Record<Field, string>> & { chosen?: readonly string[] };

const LABEL: Record<Field, Key> = {
  reason: "act.reason",
  to_unit: "act.toUnit",
  minutes: "act.minutes",
  second: "act.second",
  text: "act.task",
  areas: "act.areas",
  alert_ids: "act.alertIds",
  others: "act.others",
  for_unit: "act.unit",
};

const LONG = new Set<Field>(["text", "reason"]);
const CHOSEN = new Set<Field>(["alert_ids", "others", "for_unit"]);

/** A form of an action's fields; `choices` are those of its field with choices. */
export function form(
  action: Action,
  send: (values: Values) => void,
  cancel: () => void,
  choices: readonly Choice[] = [],
): HTMLFormElement {
  const inputs = new Map<Field, HTMLInputElement | HTMLTextAreaElement>();
  const boxes: { id: string; box: HTMLInputElement }[] = [];
  const none = h("p", { class: "card-warning", attrs: { role: "alert" } });
  const rows = [...new Set([...action.fields, ...(action.optional ?? [])])].map((field) => {
    if (CHOSEN.has(field)) return chooser(action, field, choices, boxes);
    const id = `field-${action.name}-${field}`;
    const required = !action.optional?.includes(field);
    const input = LONG.has(field)
      ? h("textarea", { attrs: { id, rows: 2, required, maxlength: 500 } })
      : h("input", {
          attrs: { id, required, maxlength: 200, ...(field === "minutes" ? { type: "number", min: 1, max: 10_080, value: 30 } : {}) },
        });
    inputs.set(field, input);
    const label = field === "second" && required ? "act.secondSigns" : LABEL[field];
    return h("p", {}, h("label", { attrs: { for: id } }, t(label)), input);
  });
  return h(
    "form",
    {
      class: "action-form",
      on: {
        submit: (event) => {
          event.preventDefault();
          const chosen = boxes.filter(({ box }) => box.checked).map(({ id }) => id);
          if (action.fields.some((field) => CHOSEN.has(field)) && chosen.length === 0) none.textContent = t("act.chooseOne");
          else send({ ...Object.fromEntries([...inputs].map(([field, input]) => [field, input.value.trim()])), chosen });
        },
      },
    },
    h("h4", {}, t(`act.${action.name}` as Key)),
    ...rows,
    none,
    h("p", { class: "form-buttons" }, h("button", { class: "primary", attrs: { type: "submit" } }, t("act.send")), button(t("act.cancel"), cancel)),
  );
}

function chooser(action: Action, field: Field, choices: readonly Choice[], boxes: { id: string; box: HTMLInputElement }[]): HTMLElement {
  const list = choices.map(({ id, label }, i) => {
    const type = field === "for_unit" ? "radio" : "checkbox";
    const box = h("input", { attrs: { type, name: `field-${action.name}-${field}`, id: `field-${action.name}-${field}-${i}` } });
    boxes.push({ id, box });
    return h("span", { class: "choice" }, box, h("label", { attrs: { for: box.id } }, label));
  });
  const none = list.length === 0 && h("p", { class: "note" }, t("app.none"));
  return h("fieldset", { class: "choices" }, h("legend", {}, t(LABEL[field])), none, ...list);
}
