#!/usr/bin/env bash
# Install and build the Next.js example if it is not there yet, or older than its sources. Needs Node 20.
set -euo pipefail
cd "$(dirname "$0")/../examples/nextjs-notifications"

if [ ! -f node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
  npm ci --silent --no-audit --no-fund
  touch node_modules/.ready
fi
if [ ! -f .next/BUILD_ID ] || [ -n "$(find src next.config.ts tsconfig.json node_modules/.ready -newer .next/BUILD_ID -print -quit)" ]; then
  npm run --silent build
fi
