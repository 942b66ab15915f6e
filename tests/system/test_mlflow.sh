# test_mlflow.sh - the unmodified mlflow client against `andon serve`; what was answered survives kill -9; paths do not escape; errors as MLflow says them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
"$PYTHON" -c 'import mlflow' 2>/dev/null || skip "$PYTHON cannot import mlflow (pip install mlflow-skinny)"
A=$ANDON
api=/api/2.0/mlflow

workspace
table 300 60 >plain.csv
try $A data import parts plain.csv --target broken
try $A model train parts --data parts
start --model parts --unapproved

# ---- the client
mkdir "$work/files"
MLFLOW_HTTP_REQUEST_MAX_RETRIES=0 "$PYTHON" -W ignore "$ANDON_SOURCE/tests/system/mlflow_client.py" "$url" "$work/files" >"$work/client" 2>"$work/client.err"
code=$?
while read -r line; do
    case $line in
        "ok "*) pass "client: ${line#ok }" ;;
        "not ok "*) fail "client: ${line#not ok }" "see above" ;;
    esac
done <"$work/client"
same "client: exit" 0 $code
[ $code -eq 0 ] || tail -n 20 "$work/client.err"

# ---- errors as the protocol says them
post() { get "$api/$1" -X POST -H 'Content-Type: application/json' -d "$2"; }
post runs/create '{"experiment_id":"0","run_name":"raw"}'
same "a run by curl" 200 $code
run=$(jq -r .run.info.run_id "$out")
post runs/log-metric "{\"run_id\":\"$run\",\"key\":\"a\"}"
same "no value: status" 400 $code
holds "no value" '.error_code == "INVALID_PARAMETER_VALUE" and (.message | test("value"))'
post runs/log-metric '[1,2'
same "no JSON: status" 400 $code
holds "no JSON" '.error_code == "BAD_REQUEST"'
post runs/log-metric "{\"run_id\":\"$run\",\"key\":\"../x\",\"value\":1}"
same "a key that climbs" 400 $code
post runs/fly '{}'
same "an endpoint that is not there: status" 404 $code
holds "an endpoint that is not there" '.error_code == "ENDPOINT_NOT_FOUND"'
answers "by the other prefix" 200 /ajax-api/2.0/mlflow/runs/get?run_id=$run
holds "the same run" ".run.info.run_uuid == \"$run\""
answers "server-info" 200 /api/3.0/mlflow/server-info
answers "version" 200 /version
post runs/search '{"experiment_ids":["0"],"page_token":"0000000000000001-0000000000000001"}'
same "a token of another search" 400 $code

# ---- artifacts stay in their folder
artifacts=/api/2.0/mlflow-artifacts/artifacts
echo secret >"$work/ws/secret"
for path in ../secret ..%2f..%2fsecret a/../../x a/%2e%2e/x %00 a//../b; do
    get "$artifacts/$path" --path-as-is -X PUT --data-binary x
    is "PUT $path is refused" "$code" -ge 400
    get "$artifacts/$path" --path-as-is
    is "GET $path is refused" "$code" -ge 400
done
same "nothing was written beside" secret "$(cat "$work/ws/secret")"
get "$artifacts?path=../.."
same "a list outside" 400 $code
ln -s "$work/ws" "$work/ws/.andon/mlflow-artifacts/link"
get "$artifacts/link/secret"
same "a symbolic link is not followed" 400 $code
rm "$work/ws/.andon/mlflow-artifacts/link"
get "$artifacts/0/x/a.txt" -X PUT --data-binary hello
same "PUT" 200 $code
get "$artifacts/0/x/a.txt"
same "GET" hello "$(cat "$out")"
get "$artifacts/0/x/a.txt/b" -X PUT --data-binary hello
same "a file is no folder" 400 $code
get "$artifacts/0/x" -X PUT --data-binary hello
same "a folder is no file" 400 $code
get "$artifacts/0/x/a.txt" -X DELETE
same "DELETE" 200 $code
answers "gone" 404 "$artifacts/0/x/a.txt"
holds "gone: code" '.error_code == "RESOURCE_DOES_NOT_EXIST"'

# ---- many clients at once, with verdicts between
"$PYTHON" - "$url" "$run" >"$work/many" <<'END'
import http.client, json, sys, threading
host, lost = sys.argv[1].split("//")[1], []

def log(n):
    c = http.client.HTTPConnection(host)
    for step in range(50):
        c.request("POST", "/api/2.0/mlflow/runs/log-metric", json.dumps({"run_id": sys.argv[2], "key": f"t{n}", "value": step, "timestamp": 1, "step": step}))
        if c.getresponse().read() != b"{}": lost.append((n, step))

def ask():
    c = http.client.HTTPConnection(host)
    for _ in range(200):
        c.request("POST", "/api/models/parts/predict", '{"torque": 1}')
        answer = c.getresponse()
        answer.read()
        if answer.status != 200: lost.append(answer.status)

threads = [threading.Thread(target=log, args=(n,)) for n in range(8)] + [threading.Thread(target=ask)]
for t in threads: t.start()
for t in threads: t.join()
c = http.client.HTTPConnection(host)
for n in range(8):
    c.request("GET", f"/api/2.0/mlflow/metrics/get-history?run_id={sys.argv[2]}&metric_key=t{n}")
    if len(json.loads(c.getresponse().read())["metrics"]) != 50: lost.append(n)
print(lost)
END
same "eight clients log, one asks: nothing is lost" "[]" "$(cat "$work/many")"

# ---- what was answered survives kill -9
"$PYTHON" - "$url" "$run" >"$work/answered" <<'END' &
import http.client, json, sys
c = http.client.HTTPConnection(sys.argv[1].split("//")[1])
for step in range(100000):
    try:
        c.request("POST", "/api/2.0/mlflow/runs/log-metric", json.dumps({"run_id": sys.argv[2], "key": "k", "value": step, "timestamp": 1, "step": step}))
        if c.getresponse().read() != b"{}": break
    except Exception:
        break
    print(step, flush=True)
END
client=$!
sleep 1
kill -9 $server
wait $server 2>/dev/null
wait $client
n=$(wc -l <"$work/answered")
is "some were answered" "$n" -gt 20
start --model parts --unapproved
get "$api/metrics/get-history?run_id=$run&metric_key=k"
is "all answered metrics are there" "$(jq '.metrics | length' "$out")" -ge "$n"
holds "in order, none twice" '[.metrics[].step] == [range(.metrics | length)]'
stop
same "SIGTERM: exit" 0 $code
finish
