import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// The bundle is committed: names carry no hash, and the output depends on the sources alone.
export default defineConfig({
  base: "/_/",
  plugins: [svelte()],
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
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/app[extname]",
      },
    },
  },
  server: { proxy: { "/_/api": process.env.EPOCHWATCH_URL ?? "http://127.0.0.1:4600" } },
  test: { include: ["test/**/*.test.ts"] },
});
