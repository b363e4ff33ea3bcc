# shellcheck shell=bash
# What scripts/run and scripts/test share: the system's packages and the environment in .venv.
# Sourced. Every function is idempotent, and quick when there is nothing to do.

set -euo pipefail
unset CDPATH # with it, cd may go elsewhere, and says where
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export HOME=${HOME:-~} # a service may have none
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH" # rustup's Rust before the distribution's, which is older

readonly BUILD_PACKAGES=(
  build-essential clang libclang-dev pkg-config
  libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev
)

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "needs root or sudo for: $*"
  fi
}

# need_packages NAME...: installs the Debian packages that are missing, and asks apt nothing when none is.
need_packages() {
  local missing
  mapfile -t missing < <(comm -13 \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort -u) \
    <(printf '%s\n' "$@" | sort -u))
  [ ${#missing[@]} -eq 0 ] && return
  say "Installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# need_venv: makes .venv. A Python that is not Debian's brings its own venv; Debian's wants a package for it.
need_venv() {
  [ -x .venv/bin/pip ] && return
  python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3-venv
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "needs Python 3.10 or later"
  say "Making .venv"
  python3 -m venv .venv
}

# need_rust: stops with a sentence when the Rust that is there is older than the workspace asks for.
need_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  command -v cargo >/dev/null || fail "needs Rust $wanted or later: https://rustup.rs"
  found=$(cargo --version | cut -d ' ' -f 2)
  printf '%s\n' "$wanted" "$found" | sort -C -V ||
    fail "needs Rust $wanted or later, and $(command -v cargo) is $found: rustup update, or https://rustup.rs"
}

# build_extension EXTRA,...: the Python package with its native half, in release, editable in .venv, and what the
# EXTRAs need.
# Cargo decides what is stale.
build_extension() {
  need_rust
  need_packages "${BUILD_PACKAGES[@]}"
  need_venv
  local maturin
  maturin=$(sed -n 's/^requires = \["\(maturin==.*\)"\]$/\1/p' pyproject.toml)
  [ "$(.venv/bin/maturin --version 2>/dev/null)" = "${maturin/==/ }" ] ||
    .venv/bin/pip install --quiet --disable-pip-version-check "$maturin"
  say "Building the engine"
  env -u CONDA_PREFIX VIRTUAL_ENV="$PWD/.venv" PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    .venv/bin/maturin develop --quiet --release --extras "$1" >&2
}

# build_server: the program air-server, in release, below ${CARGO_TARGET_DIR:-target}.
build_server() {
  need_rust
  need_packages "${BUILD_PACKAGES[@]}"
  say "Building the server"
  cargo build --quiet --release -p air-server
}
