/** Many charts on one page take turns, so that no frame waits for all of them. */

/** Milliseconds of a frame that charts may take together; one that takes longer is the only one of its frame. */
const BUDGET_MS = 6;
/** How far out of sight a chart is drawn all the same. */
const NEAR = "100px";

/** Questions that are open at once. More would not be answered sooner, and the server may be on this machine. */
const AT_ONCE = 3;

const waiting = new Map<object, () => void>();
const asking = new Map<object, () => Promise<unknown>>();
let open = 0;
let going = false;

/** Does the work when it is the turn of `whom`, instead of what `whom` waits for by now. */
export function inTurn(whom: object, work: () => void) {
  waiting.set(whom, work);
  if (going) return;
  going = true;
  requestAnimationFrame(() => void go());
}

/** Asks the server when it is the turn of `whom`, instead of what `whom` wanted to ask by now. */
export function askInTurn(whom: object, ask: () => Promise<unknown>) {
  asking.set(whom, ask);
  inTurn(asking, askNext);
}

function askNext() {
  const [next] = asking;
  if (!next || open >= AT_ONCE) return;
  const [whom, ask] = next;
  asking.delete(whom);
  open += 1;
  void ask().finally(() => {
    open -= 1;
    inTurn(asking, askNext);
  });
  inTurn(asking, askNext);
}

/** `whom` waits for nothing any more. */
export function leave(whom: object) {
  waiting.delete(whom);
  asking.delete(whom);
}

async function go() {
  const begin = performance.now();
  for (const [whom, work] of waiting) {
    waiting.delete(whom);
    try {
      work();
    } catch (error) {
      reportError(error);
    }
    // What it sets off is its time, too: effects, and plots that draw when all is said.
    await null;
    if (performance.now() - begin > BUDGET_MS) break;
  }
  going = waiting.size > 0;
  if (going) requestAnimationFrame(() => void go());
}

/** Draws while it is in sight, in turn; what changed out of sight, when it comes into sight. */
export class InSight {
  readonly #draw: () => void;
  readonly #watcher: IntersectionObserver;
  #seen = true;
  #stale = false;

  constructor(root: Element, draw: () => void) {
    this.#draw = draw;
    this.#watcher = new IntersectionObserver(
      (entries) => {
        this.#seen = entries.at(-1)!.isIntersecting;
        if (this.#stale) this.changed();
      },
      { rootMargin: NEAR },
    );
    this.#watcher.observe(root);
  }

  /** There is something else to draw. */
  changed() {
    this.#stale = true;
    if (!this.#seen) return leave(this);
    inTurn(this, () => {
      this.#stale = false;
      this.#draw();
    });
  }

  stop() {
    this.#watcher.disconnect();
    leave(this);
  }
}
