/** Where in a JSON text something is: mistakes are told by JSON Pointers, editors count characters. */

const SPACE = /[\s,:]*/y;
const WORD = /[^\s,:\]}]+/y;
const TEXT = /"(?:[^"\\]|\\.)*"/y;

class Reader {
  at = 0;
  readonly places = new Map<string, number>();
  constructor(readonly text: string) {}

  take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  value(path: string) {
    this.take(SPACE);
    this.places.set(path, this.at);
    const first = this.text[this.at];
    if (first === "{" || first === "[") this.members(path, first === "{");
    else if (first === '"') this.take(TEXT);
    else this.take(WORD);
  }

  members(path: string, named: boolean) {
    this.at += 1;
    for (let number = 0; ; number++) {
      this.take(SPACE);
      if (this.at >= this.text.length || "]}".includes(this.text[this.at]!)) break;
      const before = this.at;
      const key = named ? String(JSON.parse(this.take(TEXT) || '""')) : String(number);
      this.value(`${path}/${key}`);
      if (this.at === before) break;
    }
    this.at += 1;
  }
}

/** The character at which the value of a pointer begins in a right JSON text; where it is missing, of what should have it. */
export function placeOf(text: string, pointer: string): number {
  const reader = new Reader(text);
  reader.value("");
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
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const place = /position (\d+)/.exec(message)?.[1];
    return { at: place === undefined ? text.length : Number(place), message: message.replace(/ in JSON at position.*/s, "") };
  }
}
