/** What could stand next in a field for code. */
import type { PrismEditor } from "prism-code-editor";
import { registerCompletions, type Completion, type CompletionContext, type CompletionResult } from "prism-code-editor/autocomplete";
import type { Choice } from "./code";
import { begun, LANGUAGES, type Language } from "./languages";

const asked = new WeakMap<PrismEditor, (before: string) => Choice[]>();

/** Offers what `suggest` gives, in one editor; returns how to end that. */
export function completed(editor: PrismEditor, suggest: (before: string) => Choice[]): () => void {
  asked.set(editor, suggest);
  return () => void asked.delete(editor);
}

function source({ before, pos, explicit, language }: CompletionContext, editor: PrismEditor): CompletionResult | null {
  const word = begun(before, language as Language);
  // Nobody is offered everything at each space; but where something must follow, it is.
  if (!explicit && !word && !/[{(,='"|]\s*$/.test(before)) return null;
  const options = asked.get(editor)?.(before) ?? [];
  // A word that is whole is no question: Enter goes on.
  if (!options.length || (!explicit && options.some((choice) => (choice.apply ?? choice.label) === word))) return null;
  return { from: pos - word.length, options: options.map((choice) => written(choice, editor.value[pos] === "(")) };
}

/** A function is written with both of its brackets, and its arguments come next. */
function written({ label, detail, apply }: Choice, bracket: boolean): Completion {
  if (!apply?.endsWith("(")) return { label, detail, insert: apply };
  if (bracket) return { label, detail, insert: apply.slice(0, -1) };
  return { label, detail, insert: `${apply})`, tabStops: [apply.length, apply.length] };
}

registerCompletions(LANGUAGES, { sources: [source] });
