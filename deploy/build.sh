#!/bin/sh
# Builds the wheels and source archives of the core and of the plugins from a checkout, with what installs them.
#
#   build.sh TARGET
#
# Needs uv on PATH (or named in UV) and Python 3.11 or newer. Node is fetched for the time of the build where it is missing. What
# builds comes in the versions and with the hashes of requirements.lock.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 TARGET" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
mkdir -p "$1"
target=$(cd "$1" && pwd)
rm -f "$target"/*.whl "$target"/*.tar.gz

if [ -n "${UV:-}" ]; then
    uv=$(cd "$(dirname "$(command -v "$UV")")" && pwd)/$(basename "$UV")
else
    uv=uv
fi

cd "$root"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM
for project in . plugins/*/; do
    # Shown only when it fails; uv's own -q would keep back what went wrong.
    if ! "$uv" build --no-python-downloads --python "${PYTHON:-python3}" \
        --build-constraint requirements.lock --out-dir "$target" "$project" >"$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
done
cp requirements.lock deploy/install.sh "$target/"
