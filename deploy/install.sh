#!/bin/sh
# Installs MediaNest from wheels into a virtual environment: no Node, no checkout. The container image and the guides use it as it is.
#
#   install.sh WHEELS TARGET
#
# WHEELS  folder with the wheels and requirements.lock, as `make dist` leaves it in dist/
# TARGET  folder of the environment; made when it is not there, brought up to date when it is
#
# Other packages come from the configured package index, in exactly the versions and with the hashes of requirements.lock.
# PYTHON names the interpreter (default: python3). uv is taken from PATH, else fetched for the time of the installation.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 WHEELS TARGET" >&2
    exit 2
fi
wheels=$1
target=$2
python=${PYTHON:-python3}

if [ ! -f "$wheels/requirements.lock" ]; then
    echo "$wheels holds no requirements.lock: give the folder that \`make dist\` made." >&2
    exit 1
fi
set -- "$wheels"/*.whl
if [ ! -f "$1" ]; then
    echo "$wheels holds no wheels: give the folder that \`make dist\` made." >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "MediaNest needs Python 3.11 or newer; name one with PYTHON=/path/to/python." >&2
    exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    "$python" -m venv "$scratch/uv"
    "$scratch/uv/bin/python" -m pip install -q --disable-pip-version-check uv
    uv=$scratch/uv/bin/uv
fi

if [ ! -x "$target/bin/python" ]; then
    "$uv" venv -q --no-python-downloads --python "$python" "$target"
fi
# Wheels of our own are installed anew even when their version has not changed.
for wheel in "$@"; do
    "$uv" pip uninstall -q --python "$target/bin/python" "$(basename "$wheel" | cut -d- -f1)" 2>/dev/null
done
"$uv" pip install -q --python "$target/bin/python" --constraint "$wheels/requirements.lock" --compile-bytecode "$@"
"$uv" pip check -q --python "$target/bin/python"
"$target/bin/medianest" --help >/dev/null
echo "MediaNest is installed: $target/bin/medianest"
