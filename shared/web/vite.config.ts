import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  root: path("."),
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: path("../../target/web"),
    emptyOutDir: true,
    // The Content-Security-Policy permits no inline script, and data URLs for pictures alone.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    target: "es2022",
    rollupOptions: { input: { shop: path("index.html"), console: path("console/index.html") } },
  },
  // `npm run dev` beside a running stack: API_URL from .local/stack.env, at an origin that the stack permits.
  server: {
    port: 5173,
    strictPort: true,
    proxy: { "^/(api|docs|openapi.json|asyncapi.json|problems|health|ready|\\.well-known)": { target: process.env["API_URL"] ?? "", changeOrigin: true } },
  },
});
