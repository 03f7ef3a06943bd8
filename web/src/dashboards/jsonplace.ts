/** Where in a JSON text something is: mistakes are told by JSON Pointers, editors count characters. */

const SPACE = /\s*/y;
const WORD = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const TEXT = /"(?:[^"\\\n]|\\.)*"/y;

/** Reads a JSON text as far as it is one. */
class Reader {
  at = 0;
  readonly places = new Map<string, number>();
  constructor(readonly text: string) {}

  /** Whether it came to the end; else `at` is where it could go no further. */
  read(): boolean {
    const whole = this.#value("");
    this.#take(SPACE);
    return whole && this.at === this.text.length;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  #next(character: string): boolean {
    this.#take(SPACE);
    const there = this.text[this.at] === character;
    if (there) this.at += 1;
    return there;
  }

  #value(path: string): boolean {
    this.#take(SPACE);
    this.places.set(path, this.at);
    if (this.#next("{")) return this.#members(path, "}");
    if (this.#next("[")) return this.#members(path, "]");
    return this.#take(this.text[this.at] === '"' ? TEXT : WORD) !== "";
  }

  #members(path: string, end: string): boolean {
    if (this.#next(end)) return true;
    for (let number = 0; ; number++) {
      let key = String(number);
      if (end === "}") {
        this.#take(SPACE);
        const name = this.#take(TEXT);
        if (!name || !this.#next(":")) return false;
        key = name.slice(1, -1);
      }
      if (!this.#value(`${path}/${key}`)) return false;
      if (this.#next(end)) return true;
      if (!this.#next(",")) return false;
    }
  }
}

/** The character at which the value of a pointer begins; where it is missing, of what should have it. */
export function placeOf(text: string, pointer: string): number {
  const reader = new Reader(text);
  reader.read();
  for (let path = pointer; path; path = path.slice(0, path.lastIndexOf("/"))) {
    const found = reader.places.get(path);
    if (found !== undefined) return found;
  }
  return reader.places.get("") ?? 0;
}

/** The line of a character, from 1. */
export const lineOf = (text: string, at: number) => text.slice(0, at).split("\n").length;

export interface Fault {
  at: number;
  message: string;
}

/** What keeps a text from being JSON, and where; null if nothing does. */
export function jsonFault(text: string): Fault | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    const reader = new Reader(text);
    reader.read();
    const { at } = reader;
    return { at, message: at >= text.length ? "the text ends too early to be JSON." : `${text[at]} cannot stand here in JSON.` };
  }
}
