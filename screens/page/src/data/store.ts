/** The newest item of each entity, by layer, and word to the views of what changed. */
import type { ByLayer, Cluster, Item, Layer } from "./types";

export interface Change {
  /** The layer was replaced as a whole. */
  reset: boolean;
  upserts: Set<string>;
  removes: Set<string>;
}

type Listener = (changes: ReadonlyMap<Layer, Change>) => void;

/** Views hear of changes at most this often, however fast frames arrive. */
const FLUSH_MS = 100;

export class Store {
  private readonly tables = new Map<Layer, Map<string, Item>>();
  private readonly clusterTables = new Map<Layer, Cluster[]>();
  private readonly listeners: { layers: ReadonlySet<Layer>; tell: Listener }[] = [];
  private pending = new Map<Layer, Change>();
  private timer = 0;

  all<T extends Item>(layer: Layer): ReadonlyMap<string, T> {
    return this.table(layer) as Map<string, Item> as Map<string, T>;
  }

  get<T extends Item>(layer: Layer, id: string): T | undefined {
    return this.tables.get(layer)?.get(id) as T | undefined;
  }

  clusters(layer: Layer): readonly Cluster[] {
    return this.clusterTables.get(layer) ?? [];
  }

  on(layers: readonly Layer[], tell: Listener): void {
    this.listeners.push({ layers: new Set(layers), tell });
  }

  /** Replace whole layers; `asked` names those that a snapshot is silent about when empty. */
  replace(
    layers: ByLayer<Item[]>,
    clusters: ByLayer<Cluster[]> = {},
    asked: readonly Layer[] = Object.keys(layers) as Layer[],
  ): void {
    for (const layer of asked) {
      this.tables.set(layer, new Map((layers[layer] ?? []).map((item) => [item.id, item])));
      this.clusterTables.set(layer, clusters[layer] ?? []);
      this.pending.set(layer, { reset: true, upserts: new Set(), removes: new Set() });
    }
    this.schedule();
  }

  change(
    upserts: ByLayer<Item[]> = {},
    changed: ByLayer<Item[]> = {},
    removes: ByLayer<string[]> = {},
    clusters: ByLayer<Cluster[]> = {},
  ): void {
    for (const [layer, items] of entries(upserts)) {
      const table = this.table(layer);
      const change = this.changeOf(layer);
      for (const item of items) {
        table.set(item.id, item);
        change.upserts.add(item.id);
        change.removes.delete(item.id);
      }
    }
    for (const [layer, parts] of entries(changed)) {
      const table = this.table(layer);
      const change = this.changeOf(layer);
      for (const part of parts) {
        const known = table.get(part.id);
        if (!known) continue;
        table.set(part.id, { ...known, ...part });
        change.upserts.add(part.id);
      }
    }
    for (const [layer, ids] of entries(removes)) {
      const table = this.table(layer);
      const change = this.changeOf(layer);
      for (const id of ids) {
        table.delete(id);
        change.upserts.delete(id);
        change.removes.add(id);
      }
    }
    for (const [layer, list] of entries(clusters)) {
      this.clusterTables.set(layer, list);
      this.changeOf(layer);
    }
    this.schedule();
  }

  /** Tell every listener that everything may have changed. */
  refresh(): void {
    for (const layer of this.tables.keys()) {
      this.pending.set(layer, { reset: true, upserts: new Set(), removes: new Set() });
    }
    this.schedule();
  }

  private table(layer: Layer): Map<string, Item> {
    let table = this.tables.get(layer);
    if (!table) this.tables.set(layer, (table = new Map()));
    return table;
  }

  private changeOf(layer: Layer): Change {
    let change = this.pending.get(layer);
    if (!change) {
      change = { reset: false, upserts: new Set(), removes: new Set() };
      this.pending.set(layer, change);
    }
    return change;
  }

  private schedule(): void {
    if (this.timer || this.pending.size === 0) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      const changes = this.pending;
      this.pending = new Map();
      for (const { layers, tell } of this.listeners) {
        if ([...changes.keys()].some((layer) => layers.has(layer))) tell(changes);
      }
    }, FLUSH_MS);
  }
}

function entries<V>(record: ByLayer<V>): [Layer, V][] {
  return Object.entries(record) as [Layer, V][];
}
