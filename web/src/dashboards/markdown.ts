import MarkdownIt from "markdown-it";

// HTML in a text stays text, and links to scripts are no links: what it renders is safe to show.
const reader = new MarkdownIt({ html: false, linkify: true });

/** A text widget's Markdown as HTML. */
export const rendered = (markdown: string) => reader.render(markdown);
