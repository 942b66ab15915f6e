# test_serve_many.sh - ten thousand idle connections, clients that hang up, a clock that is set back an hour.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON
predict=/api/models/parts/predict
row='{"torque":5.5,"angle":41,"force":2,"kind":"A"}'

workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts
rows_of plain.csv

# ---- idle connections -------------------------------------------------------------------------------------------------------------------------------------
limit=$(ulimit -Hn)
[ "$limit" = unlimited ] && limit=1000000
idle=10000
if [ "$limit" -lt 10200 ]; then # as many as this machine lets one process have
    idle=$((limit - 200))
    echo "this machine allows $limit descriptors: $idle connections instead of 10000"
fi
cat >idle.py <<'END'
import resource, socket, sys
host, port = sys.argv[1].split("//")[1].split(":")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
for i in range(int(sys.argv[2])):
    for attempt in range(5):
        try: held.append(socket.create_connection((host, int(port)), timeout=20)); break
        except OSError: pass
    if i % 100 == 0: held[-1].sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); assert held[-1].recv(4096).startswith(b"HTTP/1.1 200")
print(len(held), flush=True)
sys.stdin.readline()
END
start --model parts --unapproved
before=$(awk '/^VmRSS/ { print $2 }' /proc/$server/status)
mkfifo go1 go2
"$PYTHON" idle.py "$url" $((idle / 2)) <go1 >held1 & # two processes: each has half of the descriptors
one=$!
"$PYTHON" idle.py "$url" $((idle - idle / 2)) <go2 >held2 &
two=$!
exec 8>go1 9>go2
for i in $(seq 600); do [ -s held1 ] && [ -s held2 ] && break; sleep 0.1; done
same "connections are held" $idle $(($(cat held1) + $(cat held2)))
is "the server has them all" "$(metric andon_http_connections)" -ge $idle
ask $predict rows.jsonl 2000 8 busy.jsonl busy
same "others are answered meanwhile" 2000 "$(jq -s 'map(select(.status == 200)) | length' busy.jsonl)"
after=$(awk '/^VmRSS/ { print $2 }' /proc/$server/status)
echo "memory: $before kB before, $after kB with $idle idle connections"
is "each costs at most 4 kB" $(((after - before) / (idle / 1000))) -le 4096
echo >&8
echo >&9
wait $one $two
exec 8>&- 9>&-
for i in $(seq 100); do [ "$(metric andon_http_connections)" -le 8 ] && break; sleep 0.1; done
is "and are let go" "$(metric andon_http_connections)" -le 8
stop
same "exit" 0 $code

# ---- clients that hang up ------------------------------------------------------------------------------------------------------------------------------------
rm -rf .andon/journal
start --model parts --unapproved --batch-ms 900 --batch-rows 4096
"$PYTHON" - "$url" <<'END'
import http.client, sys, time
host = sys.argv[1].split("//")[1]
body = '{"torque":5.5,"angle":41,"force":2,"kind":"A"}'
for i in range(20):
    c = http.client.HTTPConnection(host, timeout=10)
    c.request("POST", "/api/models/parts/predict", body, {"X-Request-Id": f"gone-{i}"})
    time.sleep(0.005)
    c.close()
c = http.client.HTTPConnection(host, timeout=10)
c.request("POST", "/api/models/parts/predict", body, {"X-Request-Id": "stays"})
reply = c.getresponse()
assert reply.status == 200, reply.status
END
same "who stays is answered" 0 $?
same "no work is spent on those that hung up" "20 1" "$(curl -s "$url/metrics" | sed -n 's/^andon_refused_total{reason="client gone"} //p') $(metric andon_batch_rows_sum)"
stop
ok "the journal" $A journal list --json
holds "has only the one that was answered" '[.verdicts[].request] == ["stays"]'

# ---- a clock that is set back --------------------------------------------------------------------------------------------------------------------------------
compiler=$(command -v cc || command -v gcc || command -v clang)
if [ -z "$compiler" ] || ldd "$A" 2>/dev/null | grep -q 'lib[at]san'; then
    echo "skipped: the clock cannot be moved (no compiler, or a sanitizer that must come first)"
    finish
fi
cat >clock.c <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
/* the wall clock, moved by as many seconds as the file says */
int clock_gettime(clockid_t id, struct timespec *t)
{
    long code = syscall(SYS_clock_gettime, id, t), by = 0;
    FILE *f = id == CLOCK_REALTIME && !code ? fopen(getenv("CLOCK_BY"), "r") : NULL;
    if (f && fscanf(f, "%ld", &by) == 1) t->tv_sec += by;
    if (f) fclose(f);
    return (int)code;
}
END
"$compiler" -shared -fPIC -o clock.so clock.c || { fail "the shim for the clock compiles"; finish; }
rm -rf .andon/journal
echo 0 >by
printf '#!/bin/bash\nexport CLOCK_BY="%s/by" LD_PRELOAD="%s/clock.so"\nexec "%s" "$@"\n' "$PWD" "$PWD" "$ANDON" >moved
chmod +x moved
A=$PWD/moved start --model parts --unapproved
ask $predict rows.jsonl 50 2 t1.jsonl before
answers "a part opens" 202 /api/parts/T1 -d '{"features":{"torque":5.5,"angle":41}}'
answers "another" 202 /api/parts/T2 -d '{"features":{"torque":5.5,"angle":41}}'
echo -3600 >by
ask $predict rows.jsonl 50 2 t2.jsonl after
same "the clock goes back an hour: all are answered" "50 50" "$(for f in t1 t2; do jq -s 'map(select(.status == 200)) | length' $f.jsonl; done | paste -sd' ')"
answers "a part that was opened in the future" 200 /api/parts/T1 -d '{"features":{"force":2,"kind":"A"}}'
holds "how long it waited cannot be told: test" '.verdict == "test" and (.why | any(test("time")))'
for i in $(seq 60); do
    get /api/parts/T2
    [ "$(json '.attempts[0].state')" = decided ] && break
    sleep 0.1
done
holds "so for one that only waits" '.attempts[0].verdict == "test" and (.attempts[0].why[0] | test("time"))'
answers "a part that opens now" 202 /api/parts/T3 -d '{"features":{"torque":5.5,"angle":41}}'
answers "and is complete" 200 /api/parts/T3 -d '{"features":{"force":2,"kind":"A"}}'
holds "is decided as ever" '.would_be == "ok"'
kill -9 $server
wait $server 2>/dev/null
A=$PWD/moved start --model parts --unapproved # its file of the journal is made an hour before the first one
ask $predict rows.jsonl 50 2 t3.jsonl later
stop
same "ends in order" 0 $code
A=$ANDON
ok "the journal" $A journal export --out journal.csv --json
holds "nothing torn" '.torn == 0'
same "in the order of the answers" "before after T1 T3 later" "$("$PYTHON" -c '
import csv
seen = []
for r in csv.DictReader(open("journal.csv")):
    name = r["part"].split("#")[0] or r["request"].split("-")[0]
    if not seen or seen[-1] != name: seen.append(name)
print(*seen)')"
finish
