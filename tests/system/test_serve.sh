# test_serve.sh - the server as a line, a gateway and an operator see it: routes, verdicts that equal `model predict`, overload, moved aliases, damage.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/serving.sh"
A=$ANDON

workspace
table 400 60 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts --threshold 0.3
ok "another version" $A model threshold parts --rule 0.6

# ---- what is served, and what is not -----------------------------------------------------------------------------------------------------------
refuses "no champion" 3 "no champion" $A serve --model parts --port 0
refuses "no model of that name" 2 "no model named" $A serve --model prats --port 0
ok "a champion" $A model alias parts/1 champion
refuses "nobody approved it" 3 "not approved" $A serve --model parts --port 0
refuses "no such version" 2 "version 9" $A serve --model parts/9 --port 0 --unapproved
refuses "replicas that make no sense" 2 "MIN:MAX" $A serve --model parts --port 0 --unapproved --replicas 5:2
refuses "a certificate without its key" 2 "both" $A serve --model parts --port 0 --unapproved --cert x.pem
printf 'unapproved: true\nmodel: [parts]\nqueue_rows: 77\n' >serve.yaml
printf 'unapprove: true\n' >wrong.yaml
refuses "a misspelt parameter in the configuration" 2 "unapproved" $A serve --config wrong.yaml --port 0
start --config serve.yaml
is "the configuration is read" "$(metric andon_queue_limit_rows)" -eq 77
stop
same "SIGTERM: exit" 0 $code

# ---- one document on stdout ----
start --model parts --unapproved --json
same "--json: the URL is the document" 1 "$(jq -r 'select(keys == ["url"]).url' "$work/url" | grep -cE '^http://127\.0\.0\.1:[0-9]+$')"
answers "and answers" 200 /v2/health/live
stop
same "exit" 0 $code
same "nothing else was said" 1 "$(jq -c . "$work/url" | wc -l)"
same "in one line" 1 "$(wc -l <"$work/url")"

# ---- routes --------------------------------------------------------------------------------------------------------------------------------------
start --model parts --model parts/2 --unapproved
same "the first line is the URL" 1 "$(grep -cE '^http://127\.0\.0\.1:[0-9]+$' "$work/url")"
answers "root" 200 /
answers "health" 200 /health
answers "live" 200 /v2/health/live
holds "live says so" '.live == true'
answers "ready" 200 /v2/health/ready
holds "ready says so" '.ready == true'
answers "server" 200 /v2
holds "its extensions" '.name == "andon" and (.extensions | index("binary_tensor_data") != null)'
answers "models" 200 /v2/models
holds "their names" '.models == ["parts"]'
answers "metadata" 200 /v2/models/parts
holds "inputs as COMMANDS names them" '[.inputs[].name] == ["torque","angle","force","kind"] and [.outputs[].name] == ["label","probability"] and .versions == ["1","2"]'
answers "metadata of a version" 200 /v2/models/parts/versions/2
holds "only that" '.versions == ["2"]'
answers "model ready" 200 /v2/models/parts/ready
answers "version ready" 200 /v2/models/parts/versions/2/ready
answers "no such version" 404 /v2/models/parts/versions/3/ready
answers "no such model" 404 /v2/models/prats
holds "the nearest name" '.error | test("parts")'
answers "no such path" 404 /v2/modls
answers "wrong method" 405 /v2/models/parts/infer
says "Allow" "^Allow: .*POST" "$work/head"
answers "the plant's list" 200 /api/models
holds "with versions and approval" '[.models[].version] == [1,2] and all(.models[]; .unapproved == true)'
answers "openapi" 200 /openapi.json
holds "a document of 3.1 with the routes" '(.openapi | startswith("3.1")) and (.paths | has("/v2/models/{name}/infer") and has("/api/parts/{serial}"))'
answers "metrics" 200 /metrics
if command -v promtool >/dev/null; then
    promtool check metrics <"$out" >"$work/promtool" 2>&1
    same "promtool finds nothing wrong" 0 $?
fi

row='{"torque":5.5,"angle":41,"force":2,"kind":"A"}'
answers "one row" 200 /api/models/parts/predict -d "$row" -H 'X-Request-Id: line-7.42'
holds "label, score, threshold, version, request" '.label == "0" and .threshold == 0.3 and .version == 1 and .request == "line-7.42" and .unapproved == true and .out_of_range == []'
says "the request id comes back" "^X-Request-Id: line-7.42" "$work/head"
says "unapproved is said in a header" "^Andon-Unapproved: true" "$work/head"
answers "several rows" 200 /api/models/parts/predict -d "[$row,{\"torque\":99,\"kind\":\"Z\"}]" -H 'X-Request-Id: bad id!'
holds "one answer each; doubts are named" 'length == 2 and .[1].out_of_range == ["torque","kind"] and .[1].missing == ["angle","force"] and .[0].request == .[1].request and .[0].request != "bad id!"'
v2='{"id":"q1","inputs":[{"name":"torque","shape":[1,1],"datatype":"FP64","data":[5.5]},{"name":"angle","shape":[1,1],"datatype":"FP64","data":[41]},
{"name":"force","shape":[1,1],"datatype":"FP64","data":[2]},{"name":"kind","shape":[1,1],"datatype":"BYTES","data":["A"]}]}'
answers "v2" 200 /v2/models/parts/infer -d "$v2"
holds "v2 answer" '.id == "q1" and .model_name == "parts" and .model_version == "1" and .outputs[0].data == ["0"] and (.parameters.unapproved == true)'
answers "v2 of a version" 200 /v2/models/parts/versions/2/infer -d "$v2"
holds "by that version" '.model_version == "2"'
answers "not JSON" 400 /api/models/parts/predict -d '{'
answers "no such input" 400 /v2/models/parts/infer -d "${v2/torque/torqe}"
holds "the nearest input" '.error | test("torque")'
answers "a header that is no number" 400 /v2/models/parts/infer -d "$v2" -H 'Inference-Header-Content-Length: x'
answers "a header beyond the body" 400 /v2/models/parts/infer -d "$v2" -H 'Inference-Header-Content-Length: 100000'
answers "two Content-Lengths" 400 /v2/models/parts/infer -d "$v2" -H 'Content-Length: 5' -H 'Transfer-Encoding: chunked'

# ---- what other servers are asked ----
answers "V1: models" 200 /v1/models
holds "their names" '.models == ["parts"]'
answers "V1: a model" 200 /v1/models/parts
holds "ready" '.name == "parts" and .ready == true'
answers "V1: rows, as objects and as lists" 200 /v1/models/parts:predict -d "{\"instances\":[$row,[5.5,41,2,\"A\"],{\"torque\":99}]}"
holds "a prediction each" '(.predictions | length == 3) and .predictions[0].probability == .predictions[1].probability and .predictions[0].unapproved == true and
    .predictions[2].out_of_range == ["torque"] and .predictions[2].missing == ["angle","force","kind"]'
answers "V1: no rows" 400 /v1/models/parts:predict -d '{"instances":[]}'
answers "V1: a row that is too short" 400 /v1/models/parts:predict -d '{"instances":[[5.5,41]]}'
holds "says which, and what was expected" '.error | test("row 1 has 2 values, expected 4")'
answers "MLflow: which model?" 409 /invocations -d "{\"instances\":[$row]}"
holds "says where to ask" '.error | test("several models") and test("/v1/models/")'
answers "MLflow: ping" 200 /ping
answers "Triton: configuration" 200 /v2/models/parts/config
holds "inputs and batching" '.name == "parts" and ([.input[].data_type] == ["TYPE_FP64","TYPE_FP64","TYPE_FP64","TYPE_STRING"]) and .max_batch_size == 65536 and .input[0].dims == [1]'
answers "Triton: statistics" 200 /v2/models/parts/versions/1/stats
holds "of that version" '(.model_stats | length == 1) and .model_stats[0].version == "1" and .model_stats[0].inference_count == 7 and .model_stats[0].inference_stats.success.count == 4 and
    .model_stats[0].inference_stats.fail.count > 0 and .model_stats[0].last_inference > 1.7e12'
answers "Triton: statistics of all" 200 /v2/models/stats
holds "one each" '[.model_stats[].version] == ["1","2"]'
answers "Triton: index" 200 /v2/repository/index -X POST
holds "models and versions" '[.[] | .version + .state] == ["1READY","2READY"]'
answers "Triton: load" 403 /v2/repository/models/parts/load -X POST
holds "says what decides" '.error | test("approvals and aliases")'
answers "Triton: no tracing" 404 /v2/trace/setting
answers "the server as a whole" 204 / -X OPTIONS --request-target '*'
says "what it takes" "^Allow: .*PATCH" "$work/head"
answers "Triton: no shared memory" 200 /v2/systemsharedmemory/status
same "an empty list" "[]" "$(cat "$out")"

# ---- packed bodies ----
"$PYTHON" - "$row" <<'END'
import gzip, sys, zlib
row = sys.argv[1].encode()
open("row.gz", "wb").write(gzip.compress(row))
open("cut.gz", "wb").write(gzip.compress(row)[:-5])
open("row.zlib", "wb").write(zlib.compress(row))
open("bomb.gz", "wb").write(gzip.compress(b" " * (64 * 2**20 + 1)))
open("part.gz", "wb").write(gzip.compress(b'{"model":"parts","features":' + row + b"}"))
END
answers "gzip" 200 /api/models/parts/predict -H 'Content-Encoding: gzip' --data-binary @row.gz
holds "the same verdict" '.label == "0" and .missing == []'
answers "deflate" 200 /api/models/parts/predict -H 'Content-Encoding: deflate' --data-binary @row.zlib
answers "of a part" 200 /api/parts/Z1 -H 'Content-Encoding: gzip' --data-binary @part.gz
holds "read" '.state == "decided" and (.why | length == 1)'
answers "cut off" 400 /api/models/parts/predict -H 'Content-Encoding: gzip' --data-binary @cut.gz
answers "not packed at all" 400 /api/models/parts/predict -H 'Content-Encoding: gzip' -d "$row"
answers "a little that becomes much" 413 /api/models/parts/predict -H 'Content-Encoding: gzip' --data-binary @bomb.gz
answers "for a part, too" 413 /api/parts/Z2 -H 'Content-Encoding: gzip' --data-binary @bomb.gz
holds "test" '.verdict == "test"'
answers "a coding that is not known" 415 /api/models/parts/predict -H 'Content-Encoding: br' -d "$row"
says "says which are" "^Accept-Encoding: gzip, deflate" "$work/head"
answers "a large answer" 200 /openapi.json
lacks "as it is, unasked" "^Content-Encoding" "$work/head"
cp "$out" plain.json
answers "packed, where the client asks" 200 /openapi.json -H 'Accept-Encoding: gzip'
says "and says so" "^Content-Encoding: gzip" "$work/head"
is "a fifth of it" "$(($(wc -c <"$out") * 5))" -lt "$(wc -c <plain.json)"
same "the same document" "$(md5sum <plain.json)" "$(gzip -dc <"$out" | md5sum)"
answers "a small one" 200 /v2/models -H 'Accept-Encoding: gzip'
lacks "is not worth it" "^Content-Encoding" "$work/head"

# ---- the same verdicts as `model predict`, bit for bit ---------------------------------------------------------------------------------------------
ok "predict" $A model predict parts/1 --in plain.csv --out verdicts.csv
"$PYTHON" - <<'END'
import csv, json
rows = list(csv.DictReader(open("plain.csv")))
number = lambda text: float(text) if text else None
made = [{"torque": number(r["torque"]), "angle": number(r["angle"]), "force": number(r["force"]), "kind": r["kind"]} for r in rows]
with open("rows.jsonl", "w") as file:
    for m in made: file.write(json.dumps(m) + "\n")
json.dump(made, open("all.json", "w"))
columns = [{"name": n, "shape": [len(made), 1], "datatype": "BYTES" if n == "kind" else "FP64", "data": [m[n] for m in made]} for n in made[0]]
json.dump({"inputs": columns}, open("v2.json", "w"))
END
answers "the whole table at once" 200 /api/models/parts/predict --data-binary @all.json
cp "$out" all.out
answers "the whole table in v2" 200 /v2/models/parts/infer --data-binary @v2.json
cp "$out" v2.out
ask /api/models/parts/predict rows.jsonl 400 8 single.jsonl one
"$PYTHON" - <<'END' >"$out"
import csv, json
table = list(csv.DictReader(open("verdicts.csv")))
wanted = [(r["label"], float(r["probability"]), float(r["threshold"])) for r in table]
rows = [(r["label"], r["probability"], r["threshold"]) for r in json.load(open("all.out"))]
v2 = json.load(open("v2.out"))["outputs"]
single = {}
for line in open("single.jsonl"):
    a = json.loads(line)
    single[int(a["request"].split("-")[1])] = (a["body"]["label"], a["body"]["probability"], a["body"]["threshold"])
print("rows", sum(a != b for a, b in zip(wanted, rows)), len(rows))
print("v2", sum(a[:2] != b for a, b in zip(wanted, zip(v2[0]["data"], v2[1]["data"]))), len(v2[1]["data"]))
print("single", sum(wanted[i] != single[i] for i in range(400)), len(single))
END
same "no verdict differs" "rows 0 400,v2 0 400,single 0 400" "$(paste -sd, "$out")"
stop
ok "the journal has them" $A journal export --model parts/1 --out journal.csv --json
holds "every row" '.torn == 0 and .rows >= 1200'
"$PYTHON" - <<'END' >"$out"
import csv
rows = list(csv.DictReader(open("plain.csv")))
kept = {r["request"]: r for r in csv.DictReader(open("journal.csv"))}
wrong = sum(float(kept[f"one-{i}"][n]) != float(rows[i][n]) for i in range(400) for n in ("torque", "angle", "force") if rows[i][n])
wrong += sum(kept[f"one-{i}"]["kind"] != rows[i]["kind"] for i in range(400))
print(wrong)
END
same "with the features they were asked with" 0 "$(cat "$out")"

# ---- too much, too late ----------------------------------------------------------------------------------------------------------------------------
start --model parts --unapproved --batch-ms 700 --queue-rows 4 --batch-rows 100
three="[$row,$row,$row]"
curl -s -o "$work/first" -w '%{http_code}' -d "$three" "$url/api/models/parts/predict" >"$work/first.code" &
first=$!
sleep 0.25
answers "more than may wait" 429 /api/models/parts/predict -d "$three"
says "Retry-After" "^Retry-After: [1-9]" "$work/head"
wait $first
same "those that waited are answered" 200 "$(cat "$work/first.code")"
answers "later than the client waits" 504 /api/models/parts/predict -d "$row" -H 'X-Request-Timeout-Ms: 50'
answers "a time-out that is no time" 400 /api/models/parts/predict -d "$row" -H 'X-Request-Timeout-Ms: soon'
answers "a time-out of nothing" 400 /api/models/parts/predict -d "$row" -H 'X-Request-Timeout-Ms: 0'
same "both are counted" 2 "$(curl -s "$url/metrics" | grep -cE '^andon_refused_total\{reason="(queue full|late)"\} 1$')"
stop

start --model parts --unapproved --batch-ms 900
curl -s -o "$work/last" -w '%{http_code}' -d "$row" "$url/api/models/parts/predict" >"$work/last.code" &
last=$!
sleep 0.3
stop
wait $last
same "SIGTERM: a request in flight gets its answer" "200 0" "$(cat "$work/last.code") $(jq -r .label "$work/last")"
same "then the server ends in order" 0 $code

# ---- an alias that moves while 2,000 requests run ------------------------------------------------------------------------------------------------------
start --model parts --unapproved
ask /api/models/parts/predict rows.jsonl 2000 4 moved.jsonl move &
client=$!
sleep 0.3
ok "the alias moves" $A model alias parts/2 champion
for i in $(seq 100); do
    get /v2/models/parts
    [ "$(json '.versions[0]')" = 2 ] && break
    sleep 0.1
done
ask /api/models/parts/predict rows.jsonl 20 2 after.jsonl after
wait $client
same "every request got its verdict" 2000 "$(jq -s 'map(select(.status == 200)) | length' moved.jsonl)"
same "with the threshold of the version it names" 0 "$(cat moved.jsonl after.jsonl | jq -s 'map(select(.body.threshold != (if .body.version == 1 then 0.3 else 0.6 end))) | length')"
same "afterwards all from the new version" 20 "$(jq -s 'map(select(.body.version == 2)) | length' after.jsonl)"

# ---- a model that was altered on disk --------------------------------------------------------------------------------------------------------------------
ok "a third version" $A model threshold parts --rule 0.8
address=$($A model show parts/3 --json | jq -r .id)
folder=.andon/artifacts/${address:0:2}/${address:2}
chmod -R u+w "$folder"
sed -i 's/0\.8/0.9/' "$folder/model.json"
ok "becomes the champion" $A model alias parts/3 champion
for i in $(seq 100); do
    get /v2/health/ready
    [ "$(json '.warnings | length')" != 0 ] && break
    sleep 0.1
done
holds "it is refused, and health says why" '.ready == true and (.warnings[0] | test("version 2 goes on")) and (.warnings[0] | test("altered"))'
answers "the old version goes on" 200 /api/models/parts/predict -d "$row"
holds "as before" '.version == 2 and .threshold == 0.6'
same "metrics say it" 1 "$(curl -s "$url/metrics" | sed -n 's/^andon_model_stale{reference="parts"} //p')"
ok "back to a sound one" $A model alias parts/1 champion
for i in $(seq 100); do
    get /v2/health/ready
    [ "$(json '.warnings | length')" = 0 ] && break
    sleep 0.1
done
answers "is served again" 200 /api/models/parts/predict -d "$row"
holds "version 1" '.version == 1'
stop
refuses "an altered model is not started with" 1 "altered" $A serve --model parts/3 --port 0 --unapproved
until=/v2/health/live start --model parts/3 --model parts/2 --unapproved
answers "but it takes no other away" 200 /v2/models/parts/versions/2/infer -d "$v2"
answers "not ready, though" 503 /v2/health/ready
holds "says why" '.why | test("parts/3.*altered")'
stop

# ---- parts, station by station -----------------------------------------------------------------------------------------------------------------------------
start --model parts --unapproved
answers "a good part, by a model that nobody approved" 200 /api/parts/N1 -d '{"features":{"torque":5.5,"angle":41,"force":2,"kind":"A"}}'
holds "test, with what it would be" '.verdict == "test" and .would_be == "ok" and .unapproved == true and .label == "0" and (.why | length == 1) and (.why[0] | test("approved"))'
says "unapproved is said in a header, too" "^Andon-Unapproved: true" "$work/head"
answers "a bad part" 200 /api/parts/N2 -d '{"features":{"torque":8.5,"angle":41,"force":2,"kind":"A"}}'
holds "test, would be nok" '.verdict == "test" and .would_be == "nok"'
answers "a doubtful part" 200 /api/parts/N3 -d '{"features":{"torque":5.5,"angle":41,"force":99,"kind":"A"}}'
holds "test, would be test" '.verdict == "test" and .would_be == "test" and (.why | length == 2)'
answers "a part that waits" 202 /api/parts/N4 -d '{"features":{"torque":5.5}}'
holds "says it, too" '.unapproved == true'
stop
refuses "without --unapproved it is not served" 3 "not approved" $A serve --model parts --port 0
has_sql || skip "neither sqlite3 nor Python's sqlite3"
approve parts 1
start --model parts --part-minutes 0.1
answers "MLflow: one model, no name" 200 /invocations -d '{"dataframe_split":{"columns":["kind","torque","other","angle","force"],"data":[["A",5.5,7,41,2]]}}'
holds "its verdict" '(.predictions | length == 1) and .predictions[0].label == "0" and .predictions[0].missing == [] and (.predictions[0] | has("unapproved") | not)'
answers "the first station" 202 /api/parts/A1 -d '{"features":{"torque":5.5,"angle":41}}'
holds "waits for the others" '.state == "waiting" and .missing == ["force","kind"]'
kill -9 $server
wait $server 2>/dev/null
start --model parts --part-minutes 0.1
answers "the second, after the server was killed" 200 /api/parts/A1 -d '{"features":{"force":2,"kind":"A"}}'
holds "ok" '.verdict == "ok" and .label == "0" and .attempt == 1 and .why == [] and (has("unapproved") | not) and (has("would_be") | not)'
lacks "no word of approval" "Unapproved" "$work/head"
answers "the part that the unapproved model had" 200 /api/parts/N1 -d '{"features":{"torque":5.5,"angle":41,"force":2,"kind":"A"}}'
holds "keeps its first verdict" '.verdict == "test" and .repeated == true'
answers "the same part again, with other values" 200 /api/parts/A1 -d '{"features":{"torque":8.5,"angle":41,"force":2,"kind":"A"}}'
holds "gets the first verdict" '.verdict == "ok" and .repeated == true'
answers "a new attempt" 200 /api/parts/A1 -d '{"attempt":2,"features":{"torque":8.5,"angle":41,"force":2,"kind":"A"}}'
holds "has its own" '.verdict == "nok" and .attempt == 2'
answers "both are known" 200 /api/parts/A1
holds "side by side" '[.attempts[].verdict] == ["ok","nok"]'
for case in 'out of range|{"features":{"torque":5.5,"angle":41,"force":99,"kind":"A"}}|force' 'unknown variant|{"features":{"torque":5.5,"angle":41,"force":2,"kind":"Z"}}|kind' \
    'missing value|{"features":{"torque":null,"angle":41,"force":2,"kind":"A"}}|torque' 'nothing more will come|{"features":{"torque":5.5},"complete":true}|angle' \
    'not a number|{"features":{"torque":"high","angle":41,"force":2,"kind":"A"}}|torque' 'unknown model|{"model":"other","features":{"torque":5.5}}|other'; do
    IFS='|' read -r name body word <<<"$case"
    answers "$name" 200 "/api/parts/T-${word}-${RANDOM}" -d "$body"
    holds "$name: test" ".verdict == \"test\" and (.why | any(test(\"$word\")))"
done
answers "contradicting stations" 202 /api/parts/C1 -d '{"features":{"torque":5.5}}'
answers "disagree" 200 /api/parts/C1 -d '{"features":{"torque":5.6,"angle":41,"force":2,"kind":"A"}}'
holds "test" '.verdict == "test" and (.why[0] | test("twice"))'
answers "a message that is none" 400 /api/parts/B1 -d 'x'
holds "is test, too" '.verdict == "test"'
ok "stations that speak at once" "$PYTHON" "$tests/parts_client.py" "$url" 5 50
says "the same message fifty times: one verdict" "^the same message parts 5 wrong 0 verdicts {'ok': 5}$"
says "a feature each: one verdict" "^a feature each parts 5 wrong 0 verdicts {'ok': 5}$"
says "who disagree: test" "^stations that disagree parts 5 wrong 0 verdicts {'test': 5}$"
answers "one that never becomes complete" 202 /api/parts/L1 -d '{"features":{"torque":5.5}}'
for i in $(seq 150); do
    get /api/parts/L1
    [ "$(json '.attempts[0].state')" = decided ] && break
    sleep 0.1
done
holds "runs out of time" '.attempts[0].verdict == "test" and (.attempts[0].why[0] | test("time"))'
answers "an unknown part" 404 /api/parts/U1
stop
$A journal list --part A1 --json >"$out"
holds "both attempts are in the journal" '[.verdicts[].part] == ["A1#1","A1#2"]'

# ---- everything that may be served -----------------------------------------------------------------------------------------------------------------------------
ok "somebody's experiment" $A model train trial --data parts --threshold 0.4
start
answers "the approved model is served" 200 /api/models/parts/predict -d "$row"
answers "the experiment is not" 503 /api/models/trial/predict -d "$row"
answers "and the line is ready" 200 /v2/health/ready
holds "health says what is left out" '.warnings | any(test("trial is not served.*champion"))'
answers "a part need not name the model" 200 /api/parts/W1 -d '{"features":{"torque":5.5,"angle":41,"force":2,"kind":"A"}}'
holds "there is one" '.verdict == "ok" and .model == "parts"'
ok "the alias moves to what nobody approved" $A model alias parts/2 champion
for i in $(seq 100); do
    get /v2/health/ready
    [ "$(json '.warnings | map(select(test("version 1 goes on"))) | length')" = 1 ] && break
    sleep 0.1
done
answers "the approved version goes on" 200 /api/models/parts/predict -d "$row"
holds "as before" '.version == 1'
decide reject parts 1
for i in $(seq 100); do
    get /v2/health/ready
    [ "$code" = 503 ] && break
    sleep 0.1
done
holds "rejected while it goes on: not ready" '.why | test("parts/2 was not approved")'
answers "no verdict" 503 /api/models/parts/predict -d "$row"
answers "the next part" 200 /api/parts/W2 -d '{"features":{"torque":5.5,"angle":41,"force":2,"kind":"A"}}'
holds "test" '.verdict == "test" and (.why[0] | test("approved"))'
ok "back to the one that was rejected" $A model alias parts/1 champion
for i in $(seq 100); do
    get /v2/health/ready
    [ "$(json .why | grep -c rejected)" = 1 ] && break
    sleep 0.1
done
holds "health names the rejection" '.why | test("parts/1 was rejected")'
stop

workspace empty
until=/v2/health/live start
answers "a workspace without models: not ready" 503 /v2/health/ready
holds "and says why" '.why == "no model is served"'
answers "a part" 200 /api/parts/E1 -d '{"features":{"torque":5.5}}'
holds "test" '.verdict == "test" and .why == ["no model is served"]'
answers "MLflow needs none" 200 '/api/2.0/mlflow/experiments/get-by-name?experiment_name=Default'
stop
same "ends in order" 0 $code
finish
