# test_serve_outbox.sh - verdicts on parts that leave by a drop folder and a table: each at least once with its id, whatever is killed or missing meanwhile.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
has_sql || skip "neither sqlite3 nor Python's sqlite3"

. "$tests/outbox.sh"

# ---- configuration -----------------------------------------------------------------------------------------------------------------------------------
for case in 'outbox: {csvv: {folder: drop}}|csv' 'outbox: {csv: {foldr: drop}}|folder' 'outbox: {csv: {}}|folder' 'outbox: {csv: 7}|csv' 'outbox: 7|outbox' \
    'outbox: {csv: {folder: drop, prefix: a/b}}|prefix' 'outbox: {sql: {file: v.db, table: "a; b"}}|letters' 'outbox: {sql: {table: v}}|file'; do
    printf '%s\n' "${case%%|*}" >wrong.yaml
    refuses "refused: ${case%%|*}" 2 "${case##*|}" $A serve --model parts --port 0 --config wrong.yaml
done
cat >line.yaml <<'END'
model: [parts]
outbox:
  csv: {folder: drop, prefix: line1}
  sql: {file: verdicts.db, table: verdicts}
END

# ---- kill -9 under load -----------------------------------------------------------------------------------------------------------------------------
mkdir drop
for round in 1 2 3 4; do
    start --config line.yaml
    parts $((round * 10000)) $((round * 10000 + 3000)) answered.txt &
    client=$!
    sleep 0.$((round * 2))
    kill -9 $server
    wait $server $client 2>/dev/null
done
start --config line.yaml
parts 0 200 answered.txt
delivered 2
check() { # what was answered is in the folder and in the table with the same verdict; "answered missing wrong other-verdicts"
    "$PYTHON" - <<'END'
import csv, glob, sqlite3
answered = dict(line.split() for line in open("answered.txt"))
dropped, twice = {}, 0
for name in sorted(glob.glob("drop/*.csv")):
    for r in csv.DictReader(open(name, newline="")):
        assert r["id"] == r["serial"] + "#" + r["attempt"], r
        twice += dropped.setdefault(r["id"], r["verdict"]) != r["verdict"]
rows = dict(sqlite3.connect("verdicts.db").execute("SELECT id, verdict FROM verdicts"))
for where, kept in ("drop", dropped), ("table", rows):
    print(where, "missing", sum(s + "#1" not in kept for s in answered), "wrong", sum(kept.get(s + "#1", v) != v for s, v in answered.items()), end=" ")
print("differing", twice + sum(dropped[k] != rows[k] for k in rows), "verdicts", len(set(answered.values())))
END
}
is "the test had something to lose" "$(wc -l <answered.txt)" -gt 300
check >"$out"
same "every answered verdict left by both, the server killed four times" "drop missing 0 wrong 0 table missing 0 wrong 0 differing 0 verdicts 3" "$(cat "$out")"
same "no half files under the names that are watched for" 0 "$(find drop -name '*.csv' -size 0 | wc -l)"
same "the queue is empty" 0 "$(sql .andon/parts.db 'SELECT COUNT(*) FROM outbox')"
is "delivered is counted" "$(metric 'andon_outbox_delivered_total{channel="csv"}')" -ge 200

# ---- a share that goes away ---------------------------------------------------------------------------------------------------------------------------
mv drop away
parts 300 350 answered.txt
for i in $(seq 60); do [ "$(metric 'andon_outbox_waiting{channel="sql"}')" = 0 ] && break; sleep 0.1; done
same "the line got its verdicts nonetheless" 50 "$(grep -cE '^P3[0-4][0-9] ' answered.txt)"
same "the table has them" 50 "$(sql verdicts.db "SELECT COUNT(*) FROM verdicts WHERE serial BETWEEN 'P300' AND 'P349'  AND length(serial) = 4")"
same "the folder's wait" 50 "$(metric 'andon_outbox_waiting{channel="csv"}')"
answers "health" 200 /v2/health/ready
holds "says why" '.ready == true and (.warnings | any(test("50 verdicts wait to leave by csv")))'
is "tries are counted" "$(metric 'andon_outbox_failures_total{channel="csv"}')" -ge 1
stop
same "exit" 0 $code
start --config line.yaml
same "they wait over a restart" 50 "$(metric 'andon_outbox_waiting{channel="csv"}')"
mv away drop
delivered 2
check >"$out"
same "and leave when it is back" "drop missing 0 wrong 0 table missing 0 wrong 0 differing 0 verdicts 3" "$(cat "$out")"
for i in $(seq 30); do get /v2/health/ready; [ "$(json '.warnings | length')" = 0 ] && break; sleep 0.1; done
holds "health is well again" '.warnings | length == 0'
if command -v promtool >/dev/null; then
    curl -s "$url/metrics" | promtool check metrics >"$out" 2>&1
    same "promtool finds nothing wrong" 0 $?
fi

# ---- a table that somebody holds -------------------------------------------------------------------------------------------------------------------------
"$PYTHON" - <<'END' &
import sqlite3, time
c = sqlite3.connect("verdicts.db", isolation_level=None)
c.execute("BEGIN EXCLUSIVE")
time.sleep(2)
END
holder=$!
sleep 0.5
parts 400 420 answered.txt
wait $holder
delivered 2
check >"$out"
same "a locked table is waited for" "drop missing 0 wrong 0 table missing 0 wrong 0 differing 0 verdicts 3" "$(cat "$out")"
stop

# ---- MQTT --------------------------------------------------------------------------------------------------------------------------------------------------------
broker() { # PORT-FILE WORDS...: a broker on a free port
    "$PYTHON" "$tests/mqtt_broker.py" messages.jsonl "${@:2}" >"$1" 2>broker.err &
    broker=$!
    for i in $(seq 100); do [ -s "$1" ] && break; sleep 0.05; done
}
clean_up() {
    [ -n "$server" ] && kill -9 "$server" 2>/dev/null
    [ -n "${broker:-}" ] && kill -9 "$broker" 2>/dev/null
}
for case in 'host: x, topic: "a/#"|topic' 'host: x, port: 0|port' 'topic: x|host' 'host: x, user: u, password_file: absent|absent' 'host: x, tls: 7|tls is true' \
    'host: x, tls: {cert: c.pem}|key is missing' 'host: x, tls: {ca: absent.pem}|absent.pem' 'host: x, tls: {cafile: x}|ca' 'host: x, retain: 1|retain'; do
    printf 'outbox: {mqtt: {%s}}\n' "${case%%|*}" >wrong.yaml
    refuses_plain "refused: mqtt: ${case%%|*}" 2 "${case##*|}" $A serve --model parts --port 0 --config wrong.yaml
done
rm -f answered.txt
echo 'sesame ä' >secret
broker port line sesame # the wrong password
printf 'model: [parts]\noutbox:\n  mqtt: {host: 127.0.0.1, port: %s, topic: plant/line1, client: andon1, user: line, password_file: secret}\n' "$(cat port)" >mqtt.yaml
start --config mqtt.yaml
parts 50000 50060 answered.txt
for i in $(seq 60); do get /v2/health/ready; [ "$(json '.warnings | length')" != 0 ] && break; sleep 0.1; done
holds "a broker that refuses is named, with its reason" '.ready == true and (.warnings | any(test("60 verdicts wait to leave by mqtt.*password")))'
stop
kill $broker
wait $broker 2>/dev/null
broker port line 'sesame ä'
sed -i "s/port: [0-9]*/port: $(cat port)/" mqtt.yaml
start --config mqtt.yaml
parts 51000 51100 answered.txt &
client=$!
sleep 0.1
kill -9 $server
wait $server $client 2>/dev/null
start --config mqtt.yaml
delivered
same "the broker found nothing wrong" "" "$(cat broker.err)"
"$PYTHON" - <<'END' >"$out"
import json
answered = dict(line.split() for line in open("answered.txt"))
kept = [json.loads(line) for line in open("messages.jsonl")]
words = {m["id"]: m["verdict"] for _, m in kept}
print("missing", sum(s + "#1" not in words for s in answered), "wrong", sum(words.get(s + "#1", v) != v for s, v in answered.items()),
      "topics", *{t for t, _ in kept}, "ids", all(m["id"] == m["serial"] + "#" + str(m["attempt"]) for _, m in kept))
END
same "every verdict came, over lost messages, lost acknowledgements and a kill" "missing 0 wrong 0 topics plant/line1 ids True" "$(cat "$out")"
is "some came twice: at least once is meant" "$(wc -l <messages.jsonl)" -gt "$(wc -l <answered.txt)"
stop
same "exit" 0 $code
kill $broker
wait $broker 2>/dev/null
broker=''

# ---- without the section nothing is queued ---------------------------------------------------------------------------------------------------------------
start --model parts
answers "a part" 200 /api/parts/Q1 -d '{"features":{"torque":5.5,"angle":41,"force":2,"kind":"A"}}'
stop
same "no queue that nobody empties" 0 "$(sql .andon/parts.db 'SELECT COUNT(*) FROM outbox')"
finish
