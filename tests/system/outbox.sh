# outbox.sh - helpers of the system tests of verdicts that leave; sourced after lib.sh and serving.sh. Makes a workspace with an approved model, parts/1@champion.
#
#   parts FROM TO OUT       asks for a verdict on P$FROM .. P$TO - 1, one after the other; "serial verdict" of those that were answered goes to OUT; ends when
#                           the server does
#   delivered [N]           waits until nothing waits in any of N channels (1)
#   warned NAME REGEX       waits until health warns of REGEX, and is ready nonetheless
#   unwarned NAME           waits until it warns of nothing
#   free_port               one that nobody uses
workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts --threshold 0.3
ok "a champion" $A model alias parts/1 champion
approve parts 1

cat >parts.py <<'END_OF_PARTS'
import http.client, json, sys
url, first, last, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), open(sys.argv[4], "a")
c = http.client.HTTPConnection(url.split("//")[1], timeout=10)
for i in range(first, last):
    features = {"torque": 4 + i % 50 / 10, "angle": 41, "force": 2, "kind": "A" if i % 7 else 'Z "x", y'}
    try:
        c.request("POST", f"/api/parts/P{i}", json.dumps({"features": features}))
        reply = c.getresponse()
        body = json.loads(reply.read())
    except (OSError, http.client.HTTPException, ValueError): break
    if reply.status == 200: print(body["serial"], body["verdict"], file=out, flush=True)
END_OF_PARTS
parts() { "$PYTHON" parts.py "$url" "$@"; }

delivered() {
    local i
    for i in $(seq 300); do
        [ "$(curl -s "$url/metrics" | grep -c '^andon_outbox_waiting{.*} 0$')" = "${1:-1}" ] && return
        sleep 0.1
    done
}
warned() {
    local i
    for i in $(seq 300); do
        get /v2/health/ready
        jq -e --arg wanted "$2" '.warnings // [] | any(test($wanted))' "$out" >/dev/null 2>&1 && break
        sleep 0.1
    done
    holds "$1" ".ready == true and (.warnings | any(test(\"$2\")))"
}
unwarned() {
    local i
    for i in $(seq 300); do
        get /v2/health/ready
        [ "$(json '.warnings | length')" = 0 ] && break
        sleep 0.1
    done
    holds "$1" '.ready == true and (.warnings | length) == 0'
}
free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
