# Functions for scripts that need a running demo. They source this file; none of it runs by itself.

# Sets `souk` to the program: SOUK, else a build of it.
find_souk() {
    souk="${SOUK:-${CARGO_TARGET_DIR:-target}/debug/souk}"
    [ -n "${SOUK:-}" ] || cargo build --quiet -p souk
    souk="$(realpath "$souk")"
}

# Absolute, because the scripts that source this change their folder.
free_port="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/free-port"

# Starts a demo in a folder of its own and waits until it is ready; sets `address`. It ends with the script. Call it once.
start_demo() {
    address="127.0.0.1:$("$free_port")"
    demo_data="$(mktemp -d)"
    SOUK_RATE_LIMITS=off SOUK_WEBHOOK_ALLOW_PRIVATE_ADDRESSES=true "$souk" demo --listen "$address" \
        --ops-listen "127.0.0.1:$("$free_port")" --data-dir "$demo_data" >demo.log 2>&1 &
    demo_server=$!
    trap 'kill "$demo_server" 2>/dev/null; wait "$demo_server" 2>/dev/null || true; rm -rf "$demo_data"' EXIT
    python3 - "http://$address/readyz" <<'PYTHON' || { cat demo.log >&2; exit 1; }
import sys, time, urllib.request

deadline = time.monotonic() + 120
while True:
    try:
        urllib.request.urlopen(sys.argv[1])
        break
    except OSError:
        if time.monotonic() > deadline:
            sys.exit("the demo is not ready")
        time.sleep(0.1)
PYTHON
}

# Installs the npm packages that a package-lock.json beside the script names into the present folder, when the list changed.
install_packages() {
    cp "$1"/package.json "$1"/package-lock.json .
    if ! cmp -s package-lock.json node_modules/installed.json; then
        npm ci --no-audit --no-fund --loglevel=error
        cp package-lock.json node_modules/installed.json
    fi
}
