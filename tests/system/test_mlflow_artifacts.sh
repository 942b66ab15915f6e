# test_mlflow_artifacts.sh - artifacts of any size by plain HTTP: through little memory, whole or not at all, whatever happens on the way; refusals before the bytes are
# sent; ranges; a full disk.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
artifacts=/api/2.0/mlflow-artifacts/artifacts

workspace
table 300 60 >plain.csv
try $A data import parts plain.csv --target broken
try $A model train parts --data parts
store=$work/ws/.andon/mlflow-artifacts drafts=$work/ws/.andon/mlflow-artifacts/.andon-uploads
start --model parts --unapproved

# until COMMAND...: true within 20 seconds
until_true() {
    local i
    for i in $(seq 400); do
        "$@" && return 0
        sleep 0.05
    done
    return 1
}
no_drafts() { [ -z "$(ls -A "$drafts" 2>/dev/null)" ]; }
some_draft() { [ -n "$(find "$drafts" -type f -size +1023k 2>/dev/null)" ]; }
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status"; }

# ---- larger than what is collected in memory
"$PYTHON" - "$work/large" <<'END'
import random, sys
random.seed(7)
block = random.randbytes(1 << 20)
with open(sys.argv[1], "wb") as file:
    for i in range(100):
        file.write(i.to_bytes(4, "big") + block[4:])
END
before=$(peak)
get "$artifacts/0/r/artifacts/large" -T "$work/large" --max-time 300
same "PUT of 100 MiB" 200 $code
is "it is there" "$(stat -c %s "$store/0/r/artifacts/large")" -eq $((100 << 20))
get "$artifacts/0/r/artifacts/chunked" -T "$work/large" -H 'Transfer-Encoding: chunked' --max-time 300
same "PUT in chunks" 200 $code
curl -s "$url$artifacts/0/r/artifacts/chunked" | cmp - "$work/large" && pass "GET gives the same bytes" || fail "GET gives the same bytes"
if ldd "$A" | grep -qE 'lib(a|t|ub)san'; then
    echo "# memory is not judged under sanitizers, which keep what was freed"
else
    is "with little memory: $before KiB before, $(peak) after" $(($(peak) - before)) -lt 16384
fi
same "nothing is left over" yes "$(no_drafts && echo yes)"
rm "$store/0/r/artifacts/chunked"

# ---- parts of it
get "$artifacts/0/r/artifacts/large" -r 1048570-1048585
same "a range: status" 206 $code
tail -c +1048571 "$work/large" | head -c 16 | cmp -s - "$out" && pass "a range: bytes" || fail "a range: bytes"
is "a range: header" "$(grep -c '^Content-Range: bytes 1048570-1048585/104857600' "$work/head")" -eq 1
tag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' "$work/head")
get "$artifacts/0/r/artifacts/large" -r -7 -H "If-Range: $tag"
same "the end, of the same file" 206 $code
get "$artifacts/0/r/artifacts/large" -r 104857600-
same "beyond the end" 416 $code
code=$(curl -s -I -o "$work/head" -w '%{http_code}' "$url$artifacts/0/r/artifacts/large")
same "HEAD" 200 $code
is "HEAD says the size" "$(grep -c '^Content-Length: 104857600' "$work/head")" -eq 1
get "$artifacts/0/r/artifacts/empty" -X PUT -H 'Content-Length: 0'
same "an empty file" 200 $code
get "$artifacts/0/r/artifacts/empty"
is "comes back empty" "$code-$(stat -c %s "$out")" = 200-0

# ---- clients that ask for parts are told to go the plain way
get /api/2.0/mlflow-artifacts/mpu/create/0/r/artifacts/x -X POST -d '{"path":"x","num_parts":3}'
same "multipart upload: status" 501 $code
holds "multipart upload: what makes the client fall back" '.message | startswith("Multipart upload is not supported for the current artifact repository")'
get /api/2.0/mlflow-artifacts/presigned/0/r/artifacts/large
same "multipart download" 501 $code

# ---- refused before it is sent
get "$artifacts/0/r/artifacts/large/below" -T "$work/large"
same "below a file" 400 $code
get "$artifacts/0/r/artifacts/.andon-x" -T "$work/large"
same "a name of our own" 400 $code
get "$artifacts/0/r/artifacts/x" -X PUT -H 'Expect: 100-continue' -H 'Content-Length: 70000000000' -d x
same "more than 64 GiB" 413 $code
get /api/2.0/mlflow/runs/create -X POST -T "$work/large"
same "a body that is no artifact keeps its limit" 413 $code
if [ "$(df --output=avail -B 1 "$work" | tail -n 1)" -lt 68000000000 ]; then
    get "$artifacts/0/r/artifacts/x" -X PUT -H 'Expect: 100-continue' -H 'Content-Length: 68000000000' -d x
    same "more than the disk has" 507 $code
fi
same "nothing is left over" yes "$(until_true no_drafts && echo yes)"

# ---- a client that goes away; verdicts meanwhile
curl -s -o /dev/null -T "$work/large" --limit-rate 8M "$url$artifacts/0/r/artifacts/gone" &
client=$!
until_true some_draft
get /api/models/parts/predict -d '{"torque": 1}'
same "a verdict while a file comes" 200 $code
kill -9 $client
wait $client 2>/dev/null
same "nothing stays of an upload that ends in the middle" yes "$(until_true no_drafts && echo yes)"
answers "and it is not there" 404 "$artifacts/0/r/artifacts/gone"

# ---- a server that is killed
curl -s -o /dev/null -T "$work/large" --limit-rate 8M "$url$artifacts/0/r/artifacts/killed" &
client=$!
until_true some_draft
kill -9 $server
wait $server 2>/dev/null
wait $client
same "a killed server leaves a draft" no "$(no_drafts && echo yes || echo no)"
start --model parts --unapproved
same "which the next one removes" yes "$(no_drafts && echo yes)"
answers "and it is not there" 404 "$artifacts/0/r/artifacts/killed"
curl -s "$url$artifacts/0/r/artifacts/large" | cmp - "$work/large" && pass "what was answered is there" || fail "what was answered is there"

# ---- a server that is told to stop finishes what has begun
curl -s -o "$out" -w '%{http_code}' -T "$work/large" --limit-rate 40M "$url$artifacts/0/r/artifacts/last" >"$work/status" &
client=$!
until_true some_draft
stop
same "SIGTERM: exit" 0 $code
wait $client
status=$(cat "$work/status")
if [ "$status" = 200 ]; then
    cmp "$work/large" "$store/0/r/artifacts/last" && pass "SIGTERM: the upload was finished" || fail "SIGTERM: the upload was finished"
else # slower than the time that is given
    is "SIGTERM: cut off ($status), and not there" ! -e "$store/0/r/artifacts/last"
fi

# ---- a full disk: a limit on the size of files stands in for it
ulimit -S -f 30000
start --model parts --unapproved
get "$artifacts/0/r/artifacts/full" -T "$work/large" --max-time 120
ulimit -S -f unlimited
same "a full disk: status" 507 $code
holds "a full disk: why" '.error_code == "RESOURCE_EXHAUSTED" and (.message | test("0/r/artifacts/full")) and (.message | test("disk"))'
same "a full disk: nothing is left over" yes "$(until_true no_drafts && echo yes)"
answers "a full disk: it is not there" 404 "$artifacts/0/r/artifacts/full"
get "$artifacts/0/r/artifacts/small" -X PUT -d 'fits'
same "what fits is taken" 200 $code
stop
same "SIGTERM: exit" 0 $code
finish
