#!/usr/bin/env bash
# Build the demo page if Node 20 or later is here; without it the demo shows itself in the terminal.
set -euo pipefail
cd "$(dirname "$0")/../console"
out=../src/tidegate/console/dist

if ! node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null; then
  echo "Node 20 or later was not found: the demo will run in the terminal only."
  exit 0
fi
newest=$(find src index.html package.json package-lock.json vite.config.ts -type f -newer "$out/index.html" -print -quit 2>/dev/null || true)
if [ -f "$out/index.html" ] && [ -z "$newest" ]; then exit 0; fi
if [ ! -f node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
  npm ci --silent --no-audit --no-fund
  touch node_modules/.ready
fi
npm run --silent build
