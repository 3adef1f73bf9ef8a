# The one entry point is `just check`; CI and people run the same. Another environment: `just venv=/some/venv check`.

venv := justfile_directory() / ".venv"
bin := venv / "bin"

set shell := ["bash", "-euo", "pipefail", "-c"]

# Tests start `ocs`, and tools start each other, without an activated environment.
export PATH := bin + ":" + env("PATH")

# A Ray worker that may not keep compiled files recompiles Ray each time it starts: about three times slower.
unexport PYTHONDONTWRITEBYTECODE

# List the recipes.
_default:
    @'{{ just_executable() }}' --list --unsorted

# Everything that must hold, cheapest first; stops at the first failure.
check: lint types contracts test

# Style and likely mistakes.
lint:
    '{{ bin }}/ruff' check
    '{{ bin }}/ruff' format --check

# Types: strict where pyproject.toml says so, basic elsewhere.
types:
    '{{ bin }}/pyright' --pythonpath '{{ bin }}/python'

# Who may import whom.
contracts:
    '{{ bin }}/lint-imports' --no-logo

# Tests, all of them or what ARGS says: `just test tests/unit -k step_list`.
[no-exit-message]
[positional-arguments]
test *ARGS:
    '{{ bin }}/pytest' "$@"

# One benchmark, benchmarks/NAME.py; it prints one JSON object. ARGS: --smoke, or sizes by name, such as --rounds 3.
[positional-arguments]
bench NAME *ARGS:
    '{{ bin }}/python' -m "benchmarks.$1" "${@:2}"

# Rewrite the files the way `lint` wants them.
fmt:
    '{{ bin }}/ruff' check --fix
    '{{ bin }}/ruff' format

# Rewrite the state pictures in docs/explanations/procedure.md from the tables.
pictures:
    @PYTHONPATH='{{ justfile_directory() }}' '{{ bin }}/python' docs/pictures.py
