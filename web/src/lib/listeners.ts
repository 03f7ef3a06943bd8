/** Who wants to hear of something: charts come and go, the stream stays. */
export class Listeners<T> {
  readonly #handlers = new Set<(news: T) => void>();

  /** Adds a handler; returns how to take it away. */
  readonly listen = (handler: (news: T) => void): (() => void) => {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  };

  tell(news: T) {
    for (const handler of [...this.#handlers]) handler(news);
  }
}
