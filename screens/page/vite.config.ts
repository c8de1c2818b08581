import { defineConfig } from "vite";

// The gateway serves dist/ under a policy without inline script or style, and
// the page never loads from another origin: no inlined assets, no preload code.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: "es" },
});
