import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the page alone; the gateway of `tidegate demo` answers the rest.
const gateway = process.env["TIDEGATE_URL"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/tidegate/console/dist",
    emptyOutDir: true,
    target: "es2022",
    // light-dark() in the style sheet needs these or later; an older target would have it rewritten.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // The page is served with `default-src 'self'`, which refuses data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/demo": gateway,
      "/socket.io": { target: gateway, ws: true },
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true, unstubGlobals: true },
});
