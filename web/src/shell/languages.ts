/** What is coloured in the languages that are written in the console. */
import { languages, type Grammar } from "prism-code-editor/prism";

export type Language = "expression" | "insights" | "json" | "filter" | "jobs";

const STRING = /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?/g;
const NUMBER = /\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:ns|us|ms|mo|[smhdwqy])?\b/;
const FUNCTION = /\b[A-Za-z_]\w*(?=\s*\()/;

/** The kinds of tokens by what they look like: what comes first is taken first; a global pattern takes whole what it
 * begins in, even where another one has found something within it. */
const GRAMMARS: Record<Language, Grammar> = {
  expression: {
    property: /\$\{[^}]*\}?/g,
    string: STRING,
    keyword: /\b(?:AND|OR|NOT|REPEAT|LINEAR|ASC|DESC|SELECT|FROM|SCHEMA|WHERE|GROUP BY|ORDER BY|LIMIT|BY)\b/,
    function: FUNCTION,
    number: NUMBER,
    operator: /[-+*/^<>=!&|]+/,
  },
  insights: {
    comment: /#.*/g,
    string: STRING,
    property: [/`[^`]*`?/g, /@[\w.]+/],
    regex: { pattern: /(^|[^\w)\s]\s*|\blike\s+|\bparse\s+\S+\s+)\/(?:\\.|[^/\\\n])+\//g, lookbehind: true },
    keyword:
      /\b(?:SOURCE|fields|display|filter|filterIndex|parse|sort|limit|head|tail|stats|dedup|pattern|diff|unmask|unnest|anomaly|by|as|asc|desc|and|or|not|in|like)\b/i,
    function: FUNCTION,
    number: NUMBER,
    operator: /[-+*/%^<>=!~|]+/,
  },
  json: {
    property: /"(?:\\.|[^"\\])*"(?=\s*:)/g,
    string: /"(?:\\.|[^"\\])*"?/g,
    number: /-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/,
    boolean: /\b(?:true|false|null)\b/,
  },
  filter: {
    string: STRING,
    regex: /%[^%]*%?/g,
    property: /\$[\w.[\]@-]*/,
    keyword: /\b(?:IS|NOT|EXISTS|NULL|TRUE|FALSE)\b/i,
    number: NUMBER,
    operator: /[?-](?=[\w"%])|[<>=!&|*]+/,
  },
  jobs: {
    property: /[^\s()=<>!~,"'`]+(?:"[^"]*"?[^\s()=<>!~,"'`]*)*(?=\s*(?:[=<>]|!=|!?~|(?:not\s+)?in\s*\(|is\s))/gi,
    string: STRING,
    keyword: /\b(?:and|or|not|in|is|null|has)\b/i,
    number: NUMBER,
    operator: /[<>=!~]+/,
  },
};

export const LANGUAGES = Object.keys(GRAMMARS) as Language[];

Object.assign(languages, GRAMMARS);

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
