# test_pipeline.sh - the two pipelines of the paper's system: caching, lineage back to the file, the gate between generator and test part, retries.
. "$(dirname "$0")/lib.sh"
need jq
workspace
A=$ANDON
cp "$ANDON_SOURCE"/examples/gearbox/*.yaml .
ok "the simulated line" $A sim gearbox
sum=$(sha256sum gearbox.csv | cut -d' ' -f1)

seconds() { date +%s.%N; }
now=$(seconds)
ok "flow.yaml" $A run flow.yaml --json
holds "is one document in the shape of runs show" '(.run | length) > 0 and .state == "done" and (.steps | length) == 16
    and all(.steps[]; (["name","state","cached","seconds","inputs","outputs"] - keys) == [] and .state == "done" and (.cached | type) == "boolean" and .seconds >= 0)'
holds "both halves ran" '[.steps[].name] | map(split(".")[0]) | unique == ["classifier","gan"]'
holds "steps that both halves share are done once" '[.steps[] | select(.cached) | .name] | sort == ["classifier.clean","classifier.get","classifier.split"]'
run=$(json .run)
model=$(json '.steps[] | select(.name == "classifier.train").outputs.model')
generator=$(json '.steps[] | select(.name == "gan.train").outputs.generator')
cp "$out" first.json
same "the classifier took the generator that was made" "$generator" "$(json '.steps[] | select(.name == "classifier.generator").outputs.generator')"

now=$(seconds)
ok "flow.yaml again" $A run flow.yaml --json
awk -v a="$now" -v b="$(seconds)" 'BEGIN { exit !(b - a < 2) }' && pass "takes under 2 s" || fail "takes under 2 s" "from $now to $(seconds)"
holds "with every step cached" 'all(.steps[]; .cached and .state == "done") and (.steps | length) == 16'
same "and the same outputs" "$(jq -S -c '[.steps[].outputs]' first.json)" "$(jq -S -c '[.steps[].outputs]' "$out")"
ok "versions" $A model list --json
holds "one model" '.rows | length == 1'
ok "generators" $A synth list --json
holds "one generator" '.rows | length == 1'
ok "data" $A data list --json
holds "one data set" '.rows | length == 1'

# ---- records ------------------------------------------------------------------------------------------------------------------------
ok "runs show" $A runs show "$run" --json
holds "has the shape" '.run == "'"$run"'" and .state == "done" and (.steps | length) == 16 and all(.steps[]; (["name","state","cached","seconds","inputs","outputs"] - keys) == [])'
holds "says by what and where it was made" '(.code | length > 0) and (.machine | length > 0) and .seed == 1 and (.started | test("^2[0-9-]+T[0-9:.]+Z$")) and (.ended | test("Z$"))'
ok "runs show by the beginning of an id" $A runs show "${run:0:20}" --json
ok "runs list" $A runs list --json
holds "lists the two" '[.runs[] | select(.kind == "run")] | length == 2 and all(.state == "done")'
ok "runs list for people" $A runs list
says "names it" "$run"
ok "lineage of the model" $A lineage model:gearbox --json
same "begins at it" "$model" "$(json .address)"
holds "reaches the CSV file's own hash" '[.. | objects | select(.kind? == "file") | .files[]? | select(.path == "gearbox.csv") | .sha256] | unique == ["'"$sum"'"]'
holds "through the generator" '[.. | objects | select(.kind? == "generator") | .address] | unique == ["'"$generator"'"]'
ok "lineage of the generator" $A lineage generator:gearbox-gan --json
holds "reaches the file, too" '[.. | objects | .sha256? | strings] | index("'"$sum"'") != null'
ok "lineage for people" $A lineage model:gearbox
says "names the file" 'gearbox\.csv'
says "and its hash" "${sum:0:12}"
ok "the description of a flow" $A run flow.yaml --dry-run --json
holds "runs nothing" '(.steps | length) == 16 and all(.steps[]; has("use") and has("needs"))'

# ---- change ----------------------------------------------------------------------------------------------------------------------------
ok "another share of the test part" $A run classifier.yaml --set evaluate.cost_escape=100 --set evaluate.cost_reject=5 --json
holds "re-runs only what depends on it" '[.steps[] | select(.cached | not) | .name] - ["evaluate","register"] == [] and ([.steps[] | select(.cached | not) | .name] | index("evaluate")) != null'
ok "another seed" $A run classifier.yaml --seed 2 --json
holds "trains again" '[.steps[] | select(.cached | not) | .name] | index("sample") != null'
ok "--fresh" $A run classifier.yaml --fresh --json
holds "does everything again" 'all(.steps[]; .cached | not)'
same "with the same model" "$model" "$(json '.steps[] | select(.name == "train").outputs.model')"

cp gearbox.csv kept.csv
sed -i '2s/,L2,/,L1,/' gearbox.csv
is "the file is another one" "$(sha256sum <gearbox.csv)" != "$(sha256sum <kept.csv)"
ok "a changed file" $A run flow.yaml --json
holds "re-runs what depends on it" '[.steps[] | select(.name | test("^gan\\.(get|clean|train|judge)$")) | .cached] == [false, false, false, false]'
ok "data after it" $A data list --json
holds "a second version stands beside the first" '[.rows[].version] == [1, 2]'
cp kept.csv gearbox.csv
ok "the first file again" $A run flow.yaml --json
holds "is still cached as far as the generator" '[.steps[] | select(.name | test("^gan\\.")) | .cached] | all'

# ---- a generator that saw test rows ---------------------------------------------------------------------------------------------------------
workspace gate
cp ../ws/kept.csv gearbox.csv
cp "$ANDON_SOURCE"/examples/gearbox/*.yaml .
ok "a generator on another split" $A run gan.yaml --set split.split_seed=5 --set train.set=wgan.steps=200 --json
refuses "is refused by the classifier" 3 'gearbox-gan.*[0-9]+ of the 275 rows' $A run classifier.yaml
says "its code" '"refused"'
says "the file and line" 'classifier\.yaml:12'
ok "models after the refusal" $A model list --json
holds "none" '.rows == []'
ok "the failed run" $A runs list --json
holds "is on record with what stopped it" '.runs[0].state == "failed"'
ok "on its own split" $A run classifier.yaml --set split.split_seed=5 --json
holds "it is taken" '.state == "done"'

# ---- retries ---------------------------------------------------------------------------------------------------------------------------------
printf 'name: r\nsteps:\n  get: {use: import, set: {file: late.csv}, retries: 2}\n' >retry.yaml
status "a mistake in the input" 2 $A run retry.yaml
lacks "is not tried again" 'trying again' "$err"
ln -s /proc/self/mem share.csv # what a share that is away for a moment looks like: reading it is an input/output error
printf 'name: r\nsteps:\n  get: {use: import, set: {file: share.csv}, retries: 2}\n  clean: {use: clean, set: {name: late, target: broken}, retries: 0}\n' >retry.yaml
status "a fault of the disk" 1 $A run retry.yaml
same "is tried again as often as the file says" 2 "$(grep -c 'get: .*trying again' "$err")"
( sleep 0.3 && ln -s gearbox.csv share.new && mv share.new share.csv ) &
ok "a fault that passes" $A run retry.yaml --json
holds "is got over" '.state == "done"'
says "and told" 'get: .*trying again' "$err"
wait
finish
