# test_serve_faults.sh - replicas that die and hang, a server that is killed, a full disk, TLS: what was answered is in the journal, nothing is answered twice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
workers() { pgrep -P "$server"; }
predict=/api/models/parts/predict
row='{"torque":5.5,"angle":41,"force":2,"kind":"A"}'

# agree ANSWERS JOURNAL: every answer with status 200 is in the journal once, with its score; prints "answers N wrong N twice N"
agree() {
    "$PYTHON" - "$1" "$2" <<'END'
import collections, csv, json, sys
answers = [json.loads(line) for line in open(sys.argv[1])]
kept = collections.defaultdict(list)
for r in csv.DictReader(open(sys.argv[2])): kept[r["request"]].append(r)
given = [a for a in answers if a["status"] == 200]
wrong = sum(1 for a in given if not kept[a["request"]] or float(kept[a["request"]][0]["probability"]) != a["body"]["probability"])
print("answered", len(given), "wrong", wrong, "twice", sum(len(k) > 1 for k in kept.values()))
END
}

workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts
rows_of plain.csv

# ---- replicas ------------------------------------------------------------------------------------------------------------------------------------------------
start --model parts --unapproved --replicas 2:3 --replica-timeout-s 1
for i in $(seq 100); do [ "$(metric andon_replicas)" -ge 2 ] && break; sleep 0.1; done
same "two workers" 2 "$(workers | wc -l)"
ask $predict rows.jsonl 3000 6 kill.jsonl kill &
client=$!
for i in 1 2 3; do
    sleep 0.25
    kill -9 "$(workers | head -n 1)"
done
wait $client
same "workers killed under load: every request is answered" 3000 "$(jq -s 'map(select(.status == 200)) | length' kill.jsonl)"
is "deaths are counted" "$(metric andon_replica_deaths_total)" -ge 3
for i in $(seq 100); do [ "$(metric andon_replicas)" -ge 2 ] && break; sleep 0.1; done
is "new ones took their place" "$(metric andon_replicas)" -ge 2
for worker in $(workers); do kill -STOP "$worker"; done
ask $predict rows.jsonl 8 4 hang.jsonl hang
same "workers that hang are replaced: every request is answered or refused" 8 "$(jq -s 'map(select(.status == 200 or .status == 503)) | length' hang.jsonl)"
is "hangs are counted" "$(metric andon_replica_hangs_total)" -ge 1
for i in $(seq 100); do [ "$(metric andon_replicas)" -ge 2 ] && break; sleep 0.1; done
answers "and afterwards" 200 $predict -d "$row"
stop
same "ends in order" 0 $code
ok "journal" $A journal export --out journal.csv --json
holds "nothing torn" '.torn == 0'
same "answered = journaled" "answered 3000 wrong 0 twice 0" "$(agree kill.jsonl journal.csv)"

start --model parts --unapproved --replicas 1:3
ask $predict rows.jsonl 6000 16 load.jsonl load &
client=$!
most=1
while kill -0 $client 2>/dev/null; do
    n=$(workers | wc -l)
    [ "$n" -gt $most ] && most=$n
    sleep 0.2
done
wait $client
same "requests under load are all answered" 6000 "$(jq -s 'map(select(.status == 200)) | length' load.jsonl)"
is "never more than the maximum" $most -le 3
for i in $(seq 400); do [ "$(workers | wc -l)" -eq 1 ] && break; sleep 0.1; done
slow=$(workers)
kill -STOP "$slow" # a worker that is busy all the time
ask $predict rows.jsonl 4 4 busy.jsonl busy &
client=$!
for i in $(seq 60); do [ "$(workers | wc -l)" -ge 2 ] && break; sleep 0.1; done
is "one more when busy" "$(workers | wc -l)" -ge 2
kill -CONT "$slow"
wait $client
same "the busy one's requests are answered, too" 4 "$(jq -s 'map(select(.status == 200)) | length' busy.jsonl)"
for i in $(seq 400); do [ "$(workers | wc -l)" -eq 1 ] && break; sleep 0.1; done
same "back to one when idle" 1 "$(workers | wc -l)"
stop

start --model parts --unapproved --replicas 1 --replica-memory-mb 2048 --replica-cpus 1
worker=$(workers)
answers "with limits" 200 $predict -d "$row"
limit=$(sed -n 's/^Max address space *\([0-9]*\).*/\1/p' "/proc/$worker/limits")
if [ "$limit" = 2147483648 ] || grep -q "andon-replica" "/proc/$worker/cgroup"; then pass "the worker's memory is bounded"; else fail "the worker's memory is bounded" "$limit"; fi
kill -9 $server
wait $server 2>/dev/null
for i in $(seq 50); do kill -0 "$worker" 2>/dev/null || break; sleep 0.1; done
if kill -0 "$worker" 2>/dev/null; then fail "workers end with their server" "$worker lives"; else pass "workers end with their server"; fi

# ---- the server is killed -----------------------------------------------------------------------------------------------------------------------------------------
for flags in '' '--durable' '--replicas 1'; do
    rm -rf .andon/journal
    # shellcheck disable=SC2086
    start --model parts --unapproved $flags
    ask $predict rows.jsonl 1000000 4 dead.jsonl "dead" &
    client=$!
    sleep 0.8
    kill -9 $server
    wait $server 2>/dev/null
    wait $client
    start --model parts --unapproved
    answers "it starts again ($flags)" 200 $predict -d "$row" -H 'X-Request-Id: again'
    stop
    ok "journal ($flags)" $A journal export --out journal.csv --json
    holds "torn ends were cut ($flags)" '.torn == 0'
    result=$(agree dead.jsonl journal.csv)
    is "there were answers ($flags)" "$(cut -d' ' -f2 <<<"$result")" -gt 50
    same "answered = journaled ($flags)" "wrong 0 twice 0" "$(cut -d' ' -f3- <<<"$result")"
done

# ---- a disk that takes no more: files may not grow beyond 512 KB ------------------------------------------------------------------------------------------------------
rm -rf .andon/journal
limited=$work/limited
printf '#!/bin/bash\nulimit -f 512\nexec "%s" "$@"\n' "$A" >"$limited"
chmod +x "$limited"
A=$limited ANDON=$limited start --model parts --unapproved
ask $predict rows.jsonl 8000 4 full.jsonl full
same "answers go on" 8000 "$(jq -s 'map(select(.status == 200)) | length' full.jsonl)"
lost=$(metric andon_journal_lost_total) kept=$(metric andon_journal_records_total)
is "the loss is counted" "$lost" -gt 0
same "every verdict is either kept or counted as lost" 8000 $((lost + kept))
answers "still ready" 200 /v2/health/ready
holds "health shows the loss" '.warnings[0] | test("lost")'
"$PYTHON" - "$url" <<'END' >"$out"
import http.client, json, sys
host, port = sys.argv[1].split("//")[1].split(":")
c = http.client.HTTPConnection(host, int(port), timeout=30)
for i in range(3000): # until the table of parts has grown to its limit
    c.request("POST", f"/api/parts/F{i}", '{"features":{"torque":5.5,"angle":41,"force":2,"kind":"A"}}')
    reply = c.getresponse()
    body = json.loads(reply.read())
    if reply.status != 200: break
c.request("GET", f"/api/parts/F{i - 1}")
print(reply.status, body["verdict"], i > 1, c.getresponse().status)
END
same "parts that cannot be kept get no verdict but test; those before are known" "503 test True 200" "$(cat "$out")"
answers "rows are answered all the same" 200 $predict -d "$row"
answers "health" 200 /v2/health/ready
holds "says that parts cannot be kept" '.warnings | any(test("parts get test.*kept"))'
is "they are counted" "$(metric andon_parts_unkept_total)" -ge 1
stop
same "exit" 0 $code
says "the end says it" "not be written to the journal" "$work/url"
ok "journal" $A journal list --last 1 --json
holds "what was kept is whole" ".records == $kept and .torn == 0"

# ---- many connections that say nothing, with a low limit of descriptors at the start ----------------------------------------------------------------------------------------
printf '#!/bin/bash\nulimit -Sn 256\nexec "%s" "$@"\n' "$A" >"$limited"
A=$limited ANDON=$limited start --model parts --unapproved
"$PYTHON" - "$url" <<'END' >"$out"
import http.client, socket, sys, time
host, port = sys.argv[1].split("//")[1].split(":")
idle = [socket.create_connection((host, int(port))) for _ in range(900)]
for i, s in enumerate(idle):
    if i % 3 == 0: s.sendall(b"POST /api/models/parts/predict HTTP/1.1\r\nHost: x\r\n")
c = http.client.HTTPConnection(host, int(port), timeout=10)
slowest, good = 0, 0
for i in range(200):
    began = time.monotonic()
    c.request("POST", "/api/models/parts/predict", '{"torque":5.5,"angle":41,"force":2,"kind":"A"}')
    reply = c.getresponse()
    reply.read()
    good += reply.status == 200
    slowest = max(slowest, time.monotonic() - began)
print(good, slowest < 2)
END
same "900 idle and half-open connections: others are answered" "200 True" "$(cat "$out")"
stop
same "exit" 0 $code

# ---- TLS --------------------------------------------------------------------------------------------------------------------------------------------------------------
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    openssl req -x509 -newkey rsa:2048 -nodes -keyout other-key.pem -out other.pem -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    : >"$work/url"
    $A serve --model parts --unapproved --port 0 --cert cert.pem --key key.pem >"$work/url" 2>"$work/serve.err" &
    server=$!
    for i in $(seq 200); do [ -s "$work/url" ] && break; sleep 0.05; done
    url=$(head -n 1 "$work/url")
    answers "HTTPS" 200 $predict --cacert cert.pem -d "$row"
    get /health --cacert other.pem
    same "a client that trusts another authority gets nothing" 000 "$code"
    stop
    same "exit" 0 $code
    refuses "a key of another certificate" 2 "key|certificate" $A serve --model parts --unapproved --port 0 --cert cert.pem --key other-key.pem
fi
finish
