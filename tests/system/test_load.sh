# test_load.sh - the load test against a real server: what it counts is what the server counted, its verdict is its exit status, its page stands alone.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON

workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts

# ---- what cannot be done ------------------------------------------------------------------------------------------------------------------
refuses "no model named" 2 "which model" $A load http://127.0.0.1:1
refuses "no server" 1 "no answer from 127.0.0.1:1" $A load http://127.0.0.1:1 --model parts
refuses "no address" 2 "not an address" $A load parts --model parts
start --model parts --unapproved
refuses "no such model" 2 'nearest name is "parts"' $A load "$url" --model prats
refuses "no such data" 2 "plain" $A load "$url" --model parts --data plains
cut -d, -f2- plain.csv >short.csv
refuses "rows without a column of the model" 2 'no column "?torque' $A load "$url" --model parts --data short.csv

# ---- what is measured ---------------------------------------------------------------------------------------------------------------------
before=$(metric andon_journal_records_total)
ok "a load test" $A load "$url" --model parts --rate 100 --seconds 2 --ramp 0.5 --warmup-s 0.5 --p95-ms 2000 --out page.html --json
holds "shape" '((["rate","achieved","seconds","ok","errors","latency_ms","verdict"] - keys) == []) and (.latency_ms | (["p50","p95","p99","p999","max"] - keys) == [])'
holds "every request was answered" '.rate == 100 and .seconds == 2 and .ok == 200 and .errors == 0 and .verdict == "pass" and (.achieved > 70 and .achieved < 101)'
holds "quantiles are in order" '.latency_ms | 0 < .p50 and .p50 <= .p95 and .p95 <= .p99 and .p99 <= .p999 and .p999 <= .max'
holds "a series" '(.series | length >= 3) and all(.series[]; .t_s > 0 and .rate >= 0)'
holds "the server's use" '.server.source == "proc" and .server.memory_mb.max > 1 and .server.cpu.max < 64'
sent=$(json '.ok + .left_out.ok')
same "the journal has as many" "$sent" $(($(metric andon_journal_records_total) - before))
same "the numbers beside the page" "$(jq -S .latency_ms "$out")" "$(jq -S .latency_ms page.json)"
says "the page" "Load test of parts" page.html
lacks "nothing from elsewhere" '(src|href)=|url\(|@import|<script' page.html
ok "rows of a data set, tensors, random times" $A load "$url" --model parts/1 --form v2 --data parts --arrivals poisson --rate 100 --seconds 1 --warmup-s 0
says "for people" "right answers/s: [0-9]+, and 0 errors"
ok "rows of a file" $A load "$url" --model parts --data plain.csv --rate 100 --seconds 0.5 --warmup-s 0 --json
holds "all of them are taken" '.ok == 50 and .errors == 0 and .verdict == null'
seen=$(curl -s "$url/metrics" | sed -n 's/^andon_http_requests_total.*code="\([0-9]*\)".*/\1/p' | sort -u | paste -sd' ')
same "no request of any test was bad" "200 404" "$seen"

# ---- the limit ------------------------------------------------------------------------------------------------------------------------------
refuses "above the limit" 3 "above the limit of 0.001 ms" $A load "$url" --model parts --rate 100 --seconds 0.5 --warmup-s 0 --p95-ms 0.001
$A load "$url" --model parts --rate 100 --seconds 0.5 --warmup-s 0 --p95-ms 0.001 --out over.html >"$out" 2>"$err"
same "exit" 3 $?
holds "the numbers are kept" '.verdict == "fail" and .ok == 50' over.json
says "and shown" "^latency +p50"

# ---- Ctrl-C -----------------------------------------------------------------------------------------------------------------------------------
$A load "$url" --model parts --rate 100 --seconds 60 --warmup-s 0 --out stopped.html >"$out" 2>"$err" &
loading=$!
sleep 1.5
kill -INT $loading
wait $loading
same "Ctrl-C: exit 130" 130 $?
says "what was measured so far" "stopped early; measured until then"
holds "is kept" '.interrupted == true and .ok >= 50 and .seconds < 10' stopped.json
stop

# ---- a server that goes away, replicas --------------------------------------------------------------------------------------------------------
start --model parts --unapproved --replicas 2:2
for i in $(seq 100); do [ "$(metric andon_replicas)" -ge 2 ] && break; sleep 0.1; done
ok "with replicas" $A load "$url" --model parts --rate 200 --seconds 2 --warmup-s 1 --json
holds "their number and their shares" '.replicas.min == 2 and .replicas.max == 2 and ([.replicas.share[].share] | add > 0.999 and add < 1.001)'
holds "workers are among the processes" '.ok == 400 and .server.memory_mb.max > 1'
(
    sleep 2
    kill -9 $server
) &
disown $server # the shell need not tell that it was killed
$A load "$url" --model parts --rate 100 --seconds 4 --warmup-s 0 --p95-ms 1000 --out gone.html >"$out" 2>"$err"
same "a server that dies: exit 3" 3 $?
holds "what it answered, and what not" '.ok > 20 and .errors > 20 and .ok + .errors == 400 and .errors_by_kind[0].kind == "connection" and .verdict == "fail"' gone.json
server=''
finish
