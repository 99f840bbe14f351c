# Everything a script needs before its own work: a Python environment in .venv with the packages
# of constraints.txt, and the variables by which Dagster finds its home. Sourced by each script
# after `cd` to the checkout. The first time takes a minute or two; while nothing changes, a few
# hundredths of a second. Needs bash and Python 3.11 to 3.14, or uv; no root, no package manager.
# shellcheck shell=bash

setup_fail() {
    printf 'set-up: %s\nWhat to do: %s\n' "$1" "$2" >&2
    exit 1
}

setup_is_suitable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1
}

# Programs in .venv hold its path, so an environment that was moved is of no use.
setup_is_usable() {
    if [ -e .venv/path ] && [ "$(<.venv/path)" != "$PWD" ]; then
        return 1
    fi
    setup_is_suitable "$1"
}

setup_find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        # Run it, do not only look for it: a version manager's shim exists and then refuses.
        if setup_is_suitable "$name"; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    if command -v uv >/dev/null && uv python install --quiet 3.13 >&2; then
        uv python find 3.13
        return
    fi
    setup_fail "no Python from 3.11 to 3.14 was found ($(python3 --version 2>&1 || true))." \
        "Install Python 3.13, or install uv, which brings its own."
}

# Run quietly, but show what happened when it failed.
setup_run() {
    "$@" >>"$setup_log" 2>&1 && return
    tail -n 15 "$setup_log" >&2
    return 1
}

setup_create_venv() {
    local python
    python=$(setup_find_python) || exit 1
    rm -rf .venv
    if command -v uv >/dev/null; then
        setup_run uv venv --quiet --no-project --python "$python" .venv && return
    elif "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        setup_run "$python" -m venv .venv && return
    elif "$python" -c 'import venv, pip' 2>/dev/null; then
        # Some distributions split ensurepip off; the pip outside can serve the environment.
        setup_run "$python" -m venv --without-pip .venv && return
    else
        setup_fail "$python has neither ensurepip nor pip, so it cannot make an environment." \
            "Install your distribution's python3-venv package, or install uv."
    fi
    setup_fail "the environment $PWD/.venv could not be made with $python." \
        "See the messages above; check the free space of this disk."
}

setup_pip() {
    if command -v uv >/dev/null; then
        UV_COMPILE_BYTECODE=1 VIRTUAL_ENV="$PWD/.venv" setup_run uv --quiet pip "$@"
    elif "$PYTHON" -m pip --version >/dev/null 2>&1; then
        setup_run "$PYTHON" -m pip --quiet --disable-pip-version-check "$@"
    else
        setup_run "$(setup_find_python)" -m pip --quiet --disable-pip-version-check \
            --python "$PYTHON" "$@"
    fi
}

setup_install() {
    echo "Setting up $PWD/.venv; the first time takes a minute or two …" >&2
    setup_is_usable "$PYTHON" || setup_create_venv
    printf '%s\n' "$PWD" >.venv/path
    # pip takes no hashes for the project itself, so the packages come first and alone. The file
    # is complete, and pip would refuse the extras in it (gql[requests]) if it resolved them.
    setup_pip install --no-deps --require-hashes -r constraints.txt || setup_fail \
        "the packages of constraints.txt could not be installed (all output: $setup_log)." \
        "Check the network, the proxy settings and the free space, then run this again."
    setup_pip install --no-deps --no-build-isolation --editable . || setup_fail \
        "the project could not be installed into its environment (all output: $setup_log)." \
        "See the messages above, then run this again."
    # Without bytecode, each start of Dagster takes twice as long; a failure here costs only that.
    "$PYTHON" -m compileall -q -j 0 .venv/lib >>"$setup_log" 2>&1 || true
}

# The environment is current when .venv/stamp says so; see environment_state.py.
setup_is_current() {
    [ -x "$PYTHON" ] || return 1
    local state
    state=$("$PYTHON" -IS scripts/lib/environment_state.py 2>/dev/null) || return 1
    setup_stamp=${state%%$'\n'*}
    DAGSTER_HOME=${state#*$'\n'}
    [ -e .venv/stamp ] && [ "$(<.venv/stamp)" = "$setup_stamp" ]
}

setup_environment() {
    PYTHON="$PWD/.venv/bin/python"
    setup_is_current && return
    [ -w . ] || setup_fail "the checkout $PWD is not writable for $(id -un)." \
        "Run this as the owner of the checkout, or change its owner."
    local setup_log="$PWD/.setup.log"
    (
        # One at a time: a second script waits here and then finds the work done. The lock goes
        # with the last process that holds the descriptor, so a killed set-up leaves none behind.
        lock_python=$(setup_find_python) || exit 1
        exec 9>>.setup.lock || exit 1
        "$lock_python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || exit 1
        setup_is_current && exit
        : >"$setup_log"
        rm -f .venv/stamp
        setup_install
        setup_is_current || true
        printf '%s\n' "$setup_stamp" >.venv/stamp
    ) || exit 1
    setup_is_current || setup_fail "$PWD/.venv does not work after its set-up." \
        "Remove .venv and run this again."
}

setup_environment
export PYTHON DAGSTER_HOME
export PATH="$PWD/.venv/bin:$PATH"
export DAGSTER_DISABLE_TELEMETRY=1
# `dagster job execute` is the documented entry point of this project and works; that Dagster
# prefers another command is no news to whoever reads the output.
export PYTHONWARNINGS="ignore:Function \`job_execute_command\` is superseded${PYTHONWARNINGS:+,$PYTHONWARNINGS}"

# Dagster's own commands, started from this directory, then find an initialised home: two of them
# at once on a fresh one corrupt it. A failure is reported by what needs the home.
[ -e "$DAGSTER_HOME/initialised" ] ||
    "$PYTHON" -m sync_assets.commands.setup >/dev/null 2>&1 || true
