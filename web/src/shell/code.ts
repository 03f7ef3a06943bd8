/** What a field of code is told. */
import type { Language } from "./languages";

export interface Choice {
  label: string;
  detail?: string;
  apply?: string;
}
export interface CodeProps {
  value: string;
  /** For those who hear the page. */
  label: string;
  language: Language;
  /** Lines it has at least; one line stays one, and Enter submits it. */
  rows: number;
  placeholder?: string;
  /** What could stand next, after the text before the cursor; what does not fit the word that is begun is left out. */
  complete?: (before: string) => Choice[];
  /** At each change. */
  change: (value: string) => void;
  /** Enter in one line, ctrl-Enter in several. */
  submit?: () => void;
  /** Focus went elsewhere. */
  leave?: () => void;
  /** What is wrong, from which character on; it is underlined. */
  fault?: { at: number; message: string } | null;
}
