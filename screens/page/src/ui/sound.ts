/** The sound of danger to life: two tones, made here, until somebody has seen it. */
import { button, setText } from "./dom";
import { onLang, t } from "./i18n";

const STORED = "citybrain.sound";
const REPEAT_MS = 2_400;

export class Sound {
  readonly control: HTMLButtonElement;
  private context: AudioContext | null = null;
  private on = localStorage.getItem(STORED) !== "off";
  private timer = 0;

  constructor() {
    this.control = button("", () => this.toggle(), "tool sound");
    // Browsers let a page sound only after a gesture: the first one anywhere will do.
    const wake = () => {
      if (this.on) void this.audio().resume().then(() => this.draw());
    };
    for (const gesture of ["pointerdown", "keydown"]) {
      document.addEventListener(gesture, wake, { once: true });
    }
    onLang(() => this.draw());
    this.draw();
  }

  /** Sound until `quiet`. */
  alarm(): void {
    if (this.timer) return;
    this.play();
    this.timer = window.setInterval(() => this.play(), REPEAT_MS);
  }

  quiet(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
  }

  toggle(): void {
    const blocked = this.on && this.context?.state !== "running";
    if (!blocked) this.on = !this.on;
    localStorage.setItem(STORED, this.on ? "on" : "off");
    if (this.on) void this.audio().resume().then(() => this.draw());
    this.draw();
  }

  private audio(): AudioContext {
    this.context ??= new AudioContext();
    return this.context;
  }

  private play(): void {
    if (!this.on || this.context?.state !== "running") return;
    const { context } = this;
    for (const [i, hertz] of [880, 660, 880, 660].entries()) {
      const start = context.currentTime + i * 0.24;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.type = "triangle";
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(0.25, start + 0.02);
      gain.gain.linearRampToValueAtTime(0, start + 0.22);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(start + 0.23);
    }
  }

  private draw(): void {
    const state = !this.on ? "off" : this.context?.state === "running" ? "on" : "blocked";
    this.control.dataset["sound"] = state;
    this.control.setAttribute("aria-pressed", String(state === "on"));
    setText(this.control, t(`sound.${state}`));
  }
}
