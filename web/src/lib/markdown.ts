import { Marked, type Tokens } from "marked";

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string) => text.replace(/[&<>"']/g, (one) => ESCAPES[one]!);

/** Addresses that lead somewhere and do nothing: of the web, of mail, and of the console itself. */
const SAFE = /^(https?:\/\/|mailto:|[#/?.]|[\w-]+$)/i;

// HTML in a text stays text, and links to scripts are no links: what it renders is safe to show.
const reader = new Marked({
  async: false,
  gfm: true,
  renderer: {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
    link({ href, title, tokens }: Tokens.Link) {
      const text = this.parser.parseInline(tokens);
      if (!SAFE.test(href)) return text;
      return `<a href="${escaped(href)}"${title ? ` title="${escaped(title)}"` : ""}>${text}</a>`;
    },
    image: ({ href, text }: Tokens.Image) => (SAFE.test(href) ? `<img src="${escaped(href)}" alt="${escaped(text)}">` : escaped(text)),
  },
});

/** Markdown as HTML. */
export const rendered = (markdown: string) => reader.parse(markdown) as string;
