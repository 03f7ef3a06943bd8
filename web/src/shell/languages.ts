/** What is coloured in the languages that are written in the console. */
import { HighlightStyle, StreamLanguage, syntaxHighlighting, type StringStream } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { tags } from "@lezer/highlight";

export type Language = "expression" | "insights" | "json" | "filter" | "jobs";

/** A token's kind by what it looks like, the first that fits; in the words of @lezer/highlight. */
type Rule = [RegExp, string | null];

const STRINGS: Rule[] = [
  [/^"(?:\\.|[^"\\])*"?/, "string"],
  [/^'(?:\\.|[^'\\])*'?/, "string"],
];
const NUMBER: Rule = [/^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:ns|us|ms|mo|[smhdwqy])?\b/, "number"];
const WORD: Rule = [/^[\w@$.]+/, "variableName"];

const RULES: Record<Language, Rule[]> = {
  expression: [
    ...STRINGS,
    NUMBER,
    [/^(?:AND|OR|NOT|REPEAT|LINEAR|ASC|DESC)\b/, "keyword"],
    [/^(?:SELECT|FROM|SCHEMA|WHERE|GROUP BY|ORDER BY|LIMIT|BY)\b/i, "keyword"],
    [/^\$\{[^}]*\}?/, "propertyName"],
    [/^[A-Za-z_]\w*(?=\s*\()/, "variableName.function"],
    WORD,
    [/^[-+*/^<>=!&|]+/, "operator"],
  ],
  insights: [
    [/^#.*/, "comment"],
    ...STRINGS,
    [/^`[^`]*`?/, "propertyName"],
    [/^\/(?:\\.|[^/\\])+\//, "regexp"],
    NUMBER,
    [/^[A-Za-z_]\w*(?=\s*\()(?<!\b(?:and|or|not|in))/i, "variableName.function"],
    [
      /^(?:SOURCE|fields|display|filter|filterIndex|parse|sort|limit|head|tail|stats|dedup|pattern|diff|unmask|unnest|anomaly|by|as|asc|desc|and|or|not|in|like)\b/i,
      "keyword",
    ],
    [/^@[\w.]+/, "propertyName"],
    WORD,
    [/^[-+*/%^<>=!~|]+/, "operator"],
  ],
  json: [
    [/^"(?:\\.|[^"\\])*"(?=\s*:)/, "propertyName"],
    STRINGS[0]!,
    [/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, "number"],
    [/^(?:true|false|null)\b/, "bool"],
  ],
  filter: [
    ...STRINGS,
    [/^%[^%]*%?/, "regexp"],
    [/^\$[\w.[\]@-]*/, "propertyName"],
    NUMBER,
    [/^(?:IS|NOT|EXISTS|NULL|TRUE|FALSE)\b/i, "keyword"],
    [/^[?-](?=[\w"%])/, "operator"],
    WORD,
    [/^[<>=!&|*]+/, "operator"],
  ],
  jobs: [
    [/^[^\s()=<>!~,"'`]+(?:"[^"]*"?[^\s()=<>!~,"'`]*)*(?=\s*(?:[=<>]|!=|!?~|(?:not\s+)?in\s*\(|is\s))/i, "propertyName"],
    ...STRINGS,
    NUMBER,
    [/^(?:and|or|not|in|is|null|has)\b/i, "keyword"],
    [/^[^\s()=<>!~,"'`]+/, "variableName"],
    [/^[<>=!~]+/, "operator"],
  ],
};

function token(stream: StringStream, rules: Rule[]): string | null {
  if (stream.eatSpace()) return null;
  for (const [pattern, kind] of rules) if (stream.match(pattern)) return kind;
  stream.next();
  return null;
}

const STYLE = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--series-7)", fontWeight: "600" },
  { tag: tags.function(tags.variableName), color: "var(--accent)" },
  { tag: [tags.propertyName, tags.bool], color: "var(--series-4)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.regexp, color: "var(--warn)" },
  { tag: tags.number, color: "var(--warn)" },
  { tag: [tags.operator, tags.comment], color: "var(--muted)" },
]);

/** Reads and colours `language`. */
export const highlighted = (language: Language): Extension => [
  StreamLanguage.define({ name: language, token: (stream) => token(stream, RULES[language]) }),
  syntaxHighlighting(STYLE),
];

/** The part of a word before the cursor that a completion takes the place of. */
export function begun(before: string, language: Language): string {
  if (language === "jobs") return /(?:[^\s()=<>!~,"'`]|(?<=\.)"[^"]*"?)*$/.exec(before)![0];
  return (language === "expression" ? expressionWord(before) : /[@$\w.]*$/).exec(before)![0];
}

/** Names within quotes and braces hold slashes and dots; outside of them `/` divides. */
function expressionWord(before: string): RegExp {
  const quoted = (before.match(/["']/g)?.length ?? 0) % 2 === 1;
  return quoted ? /[^'"{},=()\s]*$/ : /\$\{[\w']*$|\$?\w*$/;
}
