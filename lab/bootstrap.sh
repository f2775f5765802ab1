#!/bin/sh
# Makes the Python environment in .venv from requirements.lock; make runs it
# when the lock or pyproject.toml is newer than the stamp .venv/.ready.
set -eu

fail() {
    printf 'errnolab: %s\n' "$@" >&2
    exit 2
}

make_with_uv() {
    uv venv --quiet --allow-existing --python '>=3.10' .venv
    uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
}

check_python() {
    command -v python3 >/dev/null ||
        fail 'python3 is missing; get it: apt-get install python3 python3-venv (as root)'
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "wanted Python 3.10 or newer, got $(python3 --version)" \
            'get a newer one, or uv, which brings its own Python'
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$(python3 --version) has no venv; get it: apt-get install python3-venv (as root)"
}

make_with_venv() {
    check_python
    python3 -m venv .venv
    pip='.venv/bin/python -m pip --quiet --disable-pip-version-check install'
    $pip --require-hashes -r requirements.lock
    $pip --no-deps --no-build-isolation -e .
}

echo 'errnolab: making the Python environment in .venv (20 to 60 s, once)' >&2
if command -v uv >/dev/null; then make_with_uv; else make_with_venv; fi
touch .venv/.ready
