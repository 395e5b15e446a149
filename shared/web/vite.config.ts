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
    rolldownOptions: {
      input: { shop: path("index.html"), console: path("console/index.html") },
      // Few files before the first page: on a slow phone each request costs more than the bytes that another page needed alone.
      output: {
        codeSplitting: {
          groups: [
            { name: "vendor", test: /node_modules/, priority: 1 },
            { name: "base", test: /src\/(core|ui)\/(?!i18n\/de)/, minShareCount: 2 },
            { name: "shop", test: /src\/shop\/(?!pages\/)/ },
          ],
        },
      },
    },
  },
  // `npm run dev` beside a running stack: API_URL from .local/stack.env, at an origin that the stack permits.
  server: {
    port: 5173,
    strictPort: true,
    proxy: { "^/(api|docs|openapi.json|asyncapi.json|problems|health|ready|\\.well-known)": { target: process.env["API_URL"] ?? "", changeOrigin: true } },
  },
});
