/** Lets a few requests be under way at once; the others wait, and those that nobody wants any more are left out. */
export class Queue {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  async run<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    if (this.#free === 0) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#free -= 1;
    try {
      signal.throwIfAborted();
      return await ask();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
