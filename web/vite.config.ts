import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The page is written against React and runs on Preact, which is a seventh of its size (docs/decisions/0015).
// `PAGE_RENDERER=react` builds and tests the same code on React.
const ON_PREACT = process.env["PAGE_RENDERER"] !== "react";
const AS_PREACT = [
  { find: /^react-dom\/client$/, replacement: "preact/compat/client" },
  { find: /^react\/(jsx-(?:dev-)?runtime)$/, replacement: "preact/$1" },
  { find: /^react-dom\/test-utils$/, replacement: "preact/test-utils" },
  { find: /^react(?:-dom)?$/, replacement: "preact/compat" },
  // Its CommonJS form would bring React with it.
  { find: /^@testing-library\/react$/, replacement: "@testing-library/react/dist/@testing-library/react.esm.js" },
];

// The script knows which theme a person wants: nothing is painted before it has run. Browsers that know no such thing may
// flash in the system's. Vite passes no attributes of its own through, so this comes after it.
const NOTHING_BEFORE_THE_THEME: Plugin = {
  name: "nothing-before-the-theme",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  },
};

export default defineConfig({
  plugins: [react(), NOTHING_BEFORE_THE_THEME],
  resolve: { alias: ON_PREACT ? AS_PREACT : [] },
  // No file becomes a data: address in another one: the page's policy (CSP) allows none.
  build: { target: "es2023", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    port: 5174,
    strictPort: true,
    proxy: { "/ai/ws": { target: process.env["PROXY_TO"] ?? "http://127.0.0.1:5173", ws: true } },
    // Folders that are mounted into a container pass no events on everywhere.
    watch: { usePolling: process.env["WATCH_BY_LOOKING"] === "true" },
  },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // Aliases hold in what vite transforms only.
    server: { deps: { inline: ON_PREACT ? [/@testing-library\/react/, /zustand/] : [] } },
  },
});
