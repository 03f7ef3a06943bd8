import { begun, changed, redone, undone, type History } from "./history";

/** A dashboard's body while it is being changed. It is kept in this tab until it is saved or discarded. */
export class Draft {
  #history = $state.raw<History>(begun(""));
  /** What the server had when the changes began. */
  base = $state.raw("");
  /** Whether there are changes from an earlier visit. */
  restored = $state(false);
  readonly #key: string;

  constructor(name: string) {
    this.#key = `epochwatch-draft-${name}`;
    try {
      const found = JSON.parse(sessionStorage.getItem(this.#key) ?? "null") as { base: string; source: string } | null;
      if (!found) return;
      this.base = found.base;
      this.#history = changed(begun(found.base), found.source, "what you did before");
      this.restored = true;
    } catch {
      // Without storage, or with what is none of ours in it: it begins anew.
    }
  }

  get source(): string {
    return this.#history.now;
  }
  get dirty(): boolean {
    return this.source !== this.base;
  }
  /** What would be undone; undefined where nothing can be. */
  get last(): string | undefined {
    return this.#history.past.at(-1)?.what;
  }
  get next(): string | undefined {
    return this.#history.future[0]?.what;
  }

  /** What the server has; changes that are not saved stay. */
  loaded(source: string) {
    if (this.dirty || source === this.base) return;
    this.begin(source);
  }
  /** Begins anew from what the server has: changes are gone. */
  begin(source: string) {
    this.base = source;
    this.#to(begun(source));
  }
  /** What there is now is what the server has; it can still be undone. */
  saved() {
    this.base = this.source;
    this.#to(this.#history);
  }
  change(source: string, what: string) {
    this.#to(changed(this.#history, source, what));
  }
  undo() {
    this.#to(undone(this.#history));
  }
  redo() {
    this.#to(redone(this.#history));
  }
  discard() {
    this.begin(this.base);
  }

  #to(history: History) {
    this.#history = history;
    this.restored &&= this.dirty;
    try {
      if (this.dirty) sessionStorage.setItem(this.#key, JSON.stringify({ base: this.base, source: this.source }));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // Private windows may refuse storage: changes then last as long as the page.
    }
  }
}
