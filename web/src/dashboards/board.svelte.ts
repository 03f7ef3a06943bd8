import { api } from "../lib/api";
import { Attempts } from "../lib/attempts.svelte";
import { dashboard, drawn, firstAlarms, kept, put, written, type Look } from "./calls";
import type { Range } from "./content.svelte";
import { within, settled, withBoxes, type Body, type Box, type Dashboard, type Drawn, type Problem, type Widget } from "./dashboard";
import { Draft } from "./draft.svelte";
import { titleOf, type Home } from "./widgets";

/** A dashboard on the screen: what the server has of it, the draft of its changes, and what is drawn of either. */
export class OpenBoard {
  /** What the server has; null before it said so. */
  found = $state.raw<Dashboard | null>(null);
  /** What is drawn: the draft where there are changes. */
  shown = $state.raw<Drawn | null>(null);
  problems = $state.raw<Problem[]>([]);
  /** Counts the times that all widgets are to be read anew. */
  round = $state(0);
  /** What somebody else has saved since the changes began; "" of what was deleted. */
  conflict = $state.raw<string | null>(null);
  saving = $state(false);
  readonly attempts = new Attempts();
  readonly draft: Draft;
  #asked: AbortController | null = null;

  constructor(readonly name: string) {
    this.draft = new Draft(name);
  }

  get range(): Range {
    const { start, end, from, to } = this.shown ?? { start: "", end: "", from: 0, to: 0 };
    const { periodOverride } = this.draft.source ? (JSON.parse(this.draft.source) as Body) : { periodOverride: "auto" };
    return { start, end, from, to, suited: periodOverride !== "inherit" };
  }

  /** Reads it and has all widgets read anew. */
  load(look: Look) {
    return this.#alone(async (signal) => {
      // What the server has may not know the variables of the draft.
      const found = await dashboard(this.name, this.draft.dirty ? { ...look, variable: [] } : look, signal);
      this.found = found;
      this.draft.loaded(found.source);
      if (this.draft.dirty) await this.#draw(look, signal);
      else this.#show(found, []);
      this.round += 1;
    });
  }

  /** Draws the draft as it is now; widgets that are as before ask for nothing. */
  draw(look: Look) {
    return this.#alone((signal) => this.#draw(look, signal));
  }

  async #draw(look: Look, signal: AbortSignal) {
    const { problems, ...rest } = await drawn(JSON.parse(this.draft.source), look, signal);
    if (problems.length) this.problems = problems;
    else this.#show(rest as Drawn, []);
  }

  #show(shown: Drawn, problems: Problem[]) {
    this.shown = shown;
    this.problems = problems;
  }

  #alone(act: (signal: AbortSignal) => Promise<void>) {
    this.#asked?.abort();
    const mine = (this.#asked = new AbortController());
    return this.attempts.make(() => act(mine.signal), mine.signal).finally(() => {
      if (this.#asked === mine) this.#asked = null;
    });
  }

  /** Whether an answer is being waited for: who reads it anew now and then waits with that. */
  get busy(): boolean {
    return this.#asked !== null;
  }

  /** Keeps the draft, unless somebody else has saved meanwhile: then that is told, and nothing done. */
  save(force = false) {
    this.saving = true;
    return this.attempts
      .make(async () => {
        if (force) await put(this.name, this.draft.source);
        else if (!(await written(this.name, this.draft.source, this.draft.base))) {
          this.conflict = (await kept(this.name)) ?? "";
          return;
        }
        this.conflict = null;
        this.draft.saved();
        this.found = this.found && { ...this.found, source: this.draft.source, modified: Date.now() / 1000 };
      })
      .finally(() => (this.saving = false));
  }

  /** Begins anew from what somebody else has saved. */
  takeTheirs() {
    if (this.conflict !== null) this.draft.begin(this.conflict);
    this.conflict = null;
  }

  /** Where a widget goes, and what makes room for it: shown at once. */
  move(widget: Widget, box: Box) {
    if (!this.shown) return;
    const { widgets } = this.shown;
    const at = widgets.findIndex((one) => one.place === widget.place);
    const boxes = widgets.map(({ x, y, width, height }, index) => (index === at ? within(box) : { x, y, width, height }));
    const now = settled(boxes, at);
    const places = new Map(widgets.map((one, index) => [one.place, now[index]!]));
    const moved = widgets.map((one, index) => ({ ...one, ...now[index]! }));
    this.shown = { ...this.shown, widgets: moved.sort((a, b) => a.y - b.y || a.x - b.x) };
    this.draft.change(withBoxes(this.draft.source, places), `move ${titleOf(widget)}`);
  }

  /** Where new widgets are made, with the first alarms that there are. */
  async home(): Promise<Home> {
    const { account, region } = this.shown ?? (await api.overview());
    return { account, region, alarms: await firstAlarms() };
  }
}
