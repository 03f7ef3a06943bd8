import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The console's policy refuses style attributes in markup. What those in the editor's templates say, shell/codefield.css says.
const withoutStyleAttributes: Plugin = {
  name: "without-style-attributes",
  transform: (code, id) => (id.includes("/prism-code-editor/") ? code.replace(/(<div[^<>]*?) style=(?:\\"[^"]*"|[^\s>]+)/g, "$1") : null),
};

// The bundle is committed: names carry no hash, and the output depends on the sources alone.
export default defineConfig({
  base: "/_/",
  plugins: [svelte(), withoutStyleAttributes],
  build: {
    outDir: "../src/epochwatch/console/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        entryFileNames: "assets/app.js",
        assetFileNames: "assets/app[extname]",
        codeSplitting: false,
      },
    },
  },
  server: { proxy: { "/_/api": process.env.EPOCHWATCH_URL ?? "http://127.0.0.1:4600" } },
  test: { include: ["test/**/*.test.ts"], css: true },
});
