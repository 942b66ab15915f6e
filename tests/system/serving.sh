# serving.sh - helpers of the system tests of `andon serve`; sourced after lib.sh.
#
#   start FLAGS...                      a server on a free port, ready (until=PATH start ...: until PATH answers); its URL is in $url, its process in $server
#   stop                                SIGTERM; its exit status is in $code
#   get PATH [curl flags]               body in $out, head in $work/head, status in $code
#   answers NAME STATUS PATH [flags]    the status is the one wanted
#   metric NAME                         its value
#   approve NAME VERSION, decide approve|reject NAME VERSION   somebody did
#   ask PATH BODIES N CONNECTIONS OUT PREFIX   requests by serve_client.py
need jq
need curl
need "$PYTHON"
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server='' url=''

# start FLAGS...: a server on a free port; its URL is in $url
start() {
    : >"$work/url"
    "$A" serve --port 0 "$@" >"$work/url" 2>"$work/serve.err" &
    server=$!
    local i
    for i in $(seq 600); do
        [ -s "$work/url" ] && break
        kill -0 $server 2>/dev/null || break
        sleep 0.05
    done
    url=$(head -n 1 "$work/url")
    [ "${url:0:1}" = "{" ] && url=$(jq -r .url <<<"$url")
    for i in $(seq 600); do
        curl -sf -o /dev/null "$url${until:-/v2/health/ready}" && break
        sleep 0.05
    done
}
stop() {
    kill -TERM $server 2>/dev/null
    wait $server
    code=$?
    server=''
}
clean_up() { [ -n "$server" ] && kill -9 $server 2>/dev/null; }
# get PATH [curl flags]: body in $out, head in $work/head, status in $code
get() {
    local path=$1
    shift
    code=$(curl -s -o "$out" -D "$work/head" -w '%{http_code}' --max-time 30 "$@" "$url$path")
}
answers() { # NAME STATUS PATH [flags]
    local name=$1 wanted=$2
    shift 2
    get "$@"
    if [ "$code" = "$wanted" ]; then pass "$name"; else fail "$name" "$code instead of $wanted"; fi
}
# decide approve|reject NAME VERSION: enters the decision into the record as another plant's would look: of an origin of its own, with no signature of ours
decide() {
    sql .andon/andon.db "INSERT INTO record SELECT 'elsewhere', (SELECT coalesce(max(sequence), 0) + 1 FROM record WHERE origin = 'elsewhere'), max(time_us) + 1, '$1', 'model:$2',
        '{\"version\": $3}', hash, x'00', x'00' FROM record"
}
approve() { decide approve "$@"; }
metric() { curl -s "$url/metrics" | sed -n "s/^$1 //p"; }
ask() { "$PYTHON" "$tests/serve_client.py" "$url" "$@"; }
# rows_of F.csv: rows.jsonl, one object a line
rows_of() {
    "$PYTHON" - "$1" <<'END'
import csv, json, sys
with open("rows.jsonl", "w") as file:
    for r in csv.DictReader(open(sys.argv[1])):
        made = {n: float(r[n]) if r[n] else None for n in ("torque", "angle", "force")}
        file.write(json.dumps({**made, "kind": r["kind"]}) + "\n")
END
}
