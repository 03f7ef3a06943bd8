import { describe, expect, it } from "vitest";
import { rendered } from "../src/lib/markdown";

describe("Markdown", () => {
  it.each([
    ["# A title", "<h1>A title</h1>\n"],
    ["**bold** and `code`", "<p><strong>bold</strong> and <code>code</code></p>\n"],
    ["[docs](https://a.example/x?a=1&b=2)", '<p><a href="https://a.example/x?a=1&amp;b=2">docs</a></p>\n'],
    ["[job](/_/jobs/a)", '<p><a href="/_/jobs/a">job</a></p>\n'],
    ["https://a.example", '<p><a href="https://a.example">https://a.example</a></p>\n'],
    ["![chart](/_/x.png)", '<p><img src="/_/x.png" alt="chart"></p>\n'],
  ])("%s", (text, html) => expect(rendered(text)).toBe(html));

  it("has tables and lists", () => {
    expect(rendered("|a|b|\n|-|-|\n|1|2|")).toContain("<td>1</td>");
    expect(rendered("- one\n- two")).toContain("<li>two</li>");
  });
});

describe("hostile Markdown does nothing", () => {
  it.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <b onmouseover=alert(1)>here</b>",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\u0001javascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:alert(1))",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    '![x" onerror="alert(1)](https://a.example/x.png)',
    '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
    '[x](https://a.example/"onmouseover="alert(1))',
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    "`<img src=x onerror=alert(1)>`",
    "|<img src=x onerror=alert(1)>|b|\n|-|-|\n|<script>alert(1)</script>|2|",
    "[ref]\n\n[ref]: javascript:alert(1)",
    "<!-- --><img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
  ])("%s", (text) => {
    const html = rendered(text);
    // What is a tag has a known name, and of attributes only those that we write.
    for (const tag of html.match(/<[^>]*>/g) ?? [])
      expect(tag).toMatch(/^<\/?(p|h\d|a|img|code|pre|table|thead|tbody|tr|th|td|ul|li|strong|em)( (href|src|alt|title|class)="[^"<>]*")*>$/);
    for (const [, address] of html.matchAll(/(?:href|src)="([^"]*)"/g)) expect(address).toMatch(/^(https?:|mailto:|\/|#)/);
  });
});
