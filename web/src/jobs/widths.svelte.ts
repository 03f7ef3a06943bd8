/** How wide columns are; this browser keeps what was changed. */
import { keep, kept } from "../lib/kept";
import { LEAST_WIDTH, MOST_WIDTH, type Column } from "./columns";

const KEY = "jobs-widths";

export class Widths {
  #sized = $state.raw<Record<string, number>>(read());

  of = ({ text, width }: Column): number => this.#sized[text] ?? (text === "name" && innerWidth <= 720 ? 170 : width);

  /** Null: as it was before anybody sized it. */
  set(text: string, width: number | null) {
    const { [text]: _, ...rest } = this.#sized;
    this.#sized = width === null ? rest : { ...rest, [text]: Math.round(Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, width))) };
    keep(KEY, JSON.stringify(this.#sized));
  }
}

function read(): Record<string, number> {
  try {
    const found: unknown = JSON.parse(kept(KEY) ?? "{}");
    const pairs = found && typeof found === "object" ? Object.entries(found) : [];
    return Object.fromEntries(pairs.filter((pair): pair is [string, number] => typeof pair[1] === "number"));
  } catch {
    return {};
  }
}
