/** What the page shows: the live store, or the past that the time machine fetched. */
import { Store } from "./store";

type Listener = Parameters<Store["on"]>[1];

export class Shown {
  readonly live = new Store();
  private readonly past = new Store();
  private atMs: number | null = null;

  /** The store on show. */
  get now(): Store {
    return this.atMs === null ? this.live : this.past;
  }

  /** The instant on show; null is now. */
  get pastMs(): number | null {
    return this.atMs;
  }

  on(layers: Parameters<Store["on"]>[0], tell: Listener): void {
    for (const store of [this.live, this.past]) {
      store.on(layers, (changes) => {
        if (store === this.now) tell(changes);
      });
    }
  }

  showPast(atMs: number, layers: Parameters<Store["replace"]>[0], clusters: Parameters<Store["replace"]>[1]): void {
    this.atMs = atMs;
    this.past.replace(layers, clusters);
  }

  showLive(): void {
    this.atMs = null;
    this.live.refresh();
  }
}
