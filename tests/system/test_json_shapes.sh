# test_json_shapes.sh - the documents that programs rely on: keys, ranges, null for undefined, one document on stdout and nothing else.
. "$(dirname "$0")/lib.sh"
need jq
workspace
A=$ANDON
table 400 60 >parts.csv
awk -F, -v OFS=, 'NR == 1 { print $0, "serial", "empty", "line", "twin", "flag"; next } { print $0, "S" NR, "", "L1", $2, ($5 && NR % 2) ? 1 : 0 }' parts.csv >press.csv

columns='(.columns | length > 0) and all(.columns[]; (["name","type","role","missing","unit"] - keys) == [] and (.type | IN("integer","real","boolean","category","datetime","text"))
    and (.missing | type == "number") and (.unit == null or (.unit | type == "string")))'
data='((["name","version","id","rows","columns","target","positives","dropped","warnings"] - keys) == []) and (.id | test("^[0-9a-f]{64}$")) and '"$columns"
share='def share: . == null or (type == "number" and . >= 0 and . <= 1);'
interval='def interval: (["value","low","high"] - keys) == [] and (.value | share) and (.low | share) and (.high | share) and (.value == null or (.low <= .value + 1e-9 and .value <= .high + 1e-9));'
metrics='["accuracy","precision","recall","f1","f2","gmean","pr_auc","roc_auc","brier"]'
confusion='(.confusion | keys == ["fn","fp","tn","tp"] and all(.[]; type == "number" and . >= 0))'
threshold='(.threshold | (["value","rule"] - keys) == [] and (.value | share) and (.rule | type == "string"))'

# ---- data ---------------------------------------------------------------------------------------------------------------------------
ok "data import" $A data import press press.csv --target broken --unit torque=Nm --json
holds "shape" "$data"
holds "says nothing to people" 'type == "object"'
holds "what is in it" '.name == "press" and .version == 1 and .rows == 400 and .target == "broken" and .positives == 60'
holds "units" '[.columns[] | select(.name == "torque").unit] == ["Nm"] and [.columns[] | select(.name == "angle").unit] == [null]'
holds "reasons" '[.dropped[] | {(.name): .reason}] | add == {"serial":"identifier","empty":"empty","line":"constant","twin":"duplicate","flag":"leak"}'
holds "dropped columns stay with role ignored" '[.columns[] | select(.role == "ignored").name] | sort == ["empty","flag","line","serial","twin"]'
holds "each is explained" '(.warnings | length) == 5 and all(.warnings[]; type == "string")'
first=$(json .id)
ok "data import again" $A data import press press.csv --target broken --unit torque=Nm --json
holds "the same content is the same version" '.version == 1 and .id == "'"$first"'"'
cp press.csv renamed.csv
ok "data import of a copy" $A data import press renamed.csv --target broken --unit torque=Nm --json
holds "under another file name" '.version == 1 and .id == "'"$first"'"'
ok "data import with a requested drop" $A data import press press.csv --target broken --unit torque=Nm --drop force,kind --json
holds "is another version" '.version == 2 and ([.dropped[] | select(.reason == "requested").name] | sort == ["force","kind"])'
ok "data show" $A data show press/1 --json
holds "shape" "$data"
holds "the same facts" '.version == 1 and .id == "'"$first"'" and .rows == 400 and .target == "broken" and .positives == 60 and (.dropped | length) == 5'
ok "data import without a target" $A data import bare parts.csv --json
holds "shape" "$data"
holds "undefined is null" '.target == null and .positives == null and .dropped == []'
ok "data list" $A data list --json
holds "versions" '[.rows[] | [.name, .version]] == [["bare",1],["press",1],["press",2]] or ([.rows[] | [.name, .version]] | sort) == [["bare",1],["press",1],["press",2]]'
ok "data profile" $A data profile press --json
ok "data split" $A data split press/1 --json
holds "counts" '.train == 300 and .test == 100 and .train_positives == 45 and .test_positives == 15'
ok "data export" $A data export press/1 --out exported.csv --json
holds "its file" '.out == "exported.csv" and .rows == 400'

# ---- models ----------------------------------------------------------------------------------------------------------------------------
ok "model train" $A model train press --data press/1 --json
shape='((["name","version","metrics","confusion","threshold","train_s"] - keys) == []) and (('"$metrics"' - (.metrics | keys)) == []) and all(.metrics[]; interval) and '"$confusion and $threshold"
holds "shape" "$share $interval $shape"
holds "facts" '.name == "press" and .version == 1 and .train_s >= 0 and .threshold == {"value":0.5,"rule":"0.5"} and (.confusion | .tp + .fn == 15 and .tn + .fp == 85) and .calibrated == true'
holds "metrics agree with the confusion matrix" '(.confusion) as $c | def near($a; $b): ($a - $b) | fabs < 1e-9;
    near(.metrics.recall.value; $c.tp / ($c.tp + $c.fn)) and near(.metrics.accuracy.value; ($c.tp + $c.tn) / 100) and near(.metrics.f2.value; 5 * $c.tp / (5 * $c.tp + 4 * $c.fn + $c.fp))'
cp "$out" trained.json
ok "model evaluate" $A model evaluate press --json
holds "shape but for the time" "$share $interval ((.metrics | keys) as \$k | ($metrics - \$k) == []) and all(.metrics[]; interval) and $confusion and $threshold and has(\"train_s\") and .name == \"press\" and .version == 1"
same "the same numbers as at training" "$(jq -S -c '[.metrics, .confusion, .threshold]' trained.json)" "$(jq -S -c '[.metrics, .confusion, .threshold]' "$out")"
ok "model train again" $A model train press --data press/1 --json
holds "makes no new version" '.version == 1'
ok "model train with weights" $A model train press --data press/1 --balance weights --threshold recall=0.9 --json
holds "a second version, not calibrated" '.version == 2 and .calibrated == false and .threshold.rule == "recall=0.9"'
ok "model threshold" $A model threshold press/1 --rule 0.3 --json
holds "shape" "$share $interval ((.metrics | keys) as \$k | ($metrics - \$k) == []) and $confusion and $threshold and .version == 3 and .threshold.value == 0.3"
ok "a model that finds nothing" $A model threshold press/1 --rule 1 --json
holds "undefined precision is null, not a number" '.confusion.tp == 0 and .confusion.fp == 0 and .metrics.precision.value == null and .metrics.recall.value == 0'
ok "model show" $A model show press/1 --json
holds "name and version" '.name == "press" and .version == 1 and (.id | test("^[0-9a-f]{64}$"))'
ok "model explain" $A model explain press --json
ok "model list" $A model list --json
holds "versions" '[.rows[].version] == [1,2,3,4]'
ok "model kinds" $A model kinds --json
holds "names logistic and all balancings" '([.models[].name] | index("logistic") != null) and (["none","threshold","weights","random","smote","wgan","wgan-filter"] - [.balance[].name]) == []'
ok "model predict" $A model predict press --in press.csv --out p.csv --json
holds "counts" '.rows == 400 and .out == "p.csv"'

# ---- generators ---------------------------------------------------------------------------------------------------------------------------
ok "synth fit" $A synth fit g --data press/1 --method wgan --set wgan.steps=300 --json
holds "shape" '(["name","version","method","params","steps","train_s","scores"] - keys) == [] and .name == "g" and .version == 1 and .method == "wgan" and (.params | type) == "object" and .params.steps == 300
    and .steps <= 300 and .train_s > 0 and (.scores | type) == "object"'
ok "synth judge" $A synth judge --generator g --json
scores='["ks_complement","correlation_similarity","wasserstein","js_distance","c2st_auc","tstr_f1","dcr_median","copies","sample_1k_s","sample_10k_s"]'
judged="((([\"rows_real\",\"rows_synthetic\",\"scores\",\"floor\",\"ceiling\",\"columns\"] - keys) == []) and all((.scores, .floor, .ceiling); ((keys as \$k | $scores - \$k) == [])
    and all(.[]; . == null or type == \"number\") and (.ks_complement | share) and (.correlation_similarity | share) and (.js_distance | share) and (.wasserstein >= 0) and (.c2st_auc | share))
    and (.columns | type == \"array\" and length > 0))"
holds "shape" "$share $judged"
holds "the shuffled floor has the columns right and their relations wrong" '.floor.ks_complement > 0.99 and .floor.wasserstein < 1e-9 and .floor.correlation_similarity <= .ceiling.correlation_similarity + 0.2'
holds "counts" '.rows_real == 45 and .rows_synthetic == 45 and .scores.copies == 0'
ok "synth sample" $A synth sample g --rows 50 --out made.csv --json
holds "counts" '.rows == 50 and .out == "made.csv"'
ok "synth judge of a file" $A synth judge --data press/1 --synthetic made.csv --json
holds "shape" "$share $judged"
holds "counts" '.rows_real == 45 and .rows_synthetic == 50'
ok "synth compare" $A synth compare --data press/1 --methods random,smote --json
holds "a row for each" '[.rows[].method] == ["random","smote"] and all(.rows[]; has("scores") and has("floor") and has("ceiling"))'
holds "copies are found" '.rows[0].scores.copies > 0 and .rows[1].scores.copies == 0'
ok "synth list" $A synth list --json
holds "versions and methods" '([.rows[].name] == ["g"]) and (["wgan","wgan-filter","smote","random"] - [.methods[].name]) == []'
ok "synth show" $A synth show g --json

# ---- compare --------------------------------------------------------------------------------------------------------------------------------
ok "compare" $A compare --data press/1 --models logistic --balance none,threshold,weights,smote --repeats 3 --json
compared="(([\"data\",\"repeats\",\"rows\",\"recommendation\"] - keys) == []) and all(.rows[]; ([\"model\",\"balance\",\"threshold\",\"metrics\",\"metrics_moved\"] - keys) == []
    and all((.metrics, .metrics_moved); ((keys as \$k | $metrics - \$k) == []) and all(.[]; ([\"mean\",\"sd\",\"low\",\"high\"] - keys) == [] and (.mean | share) and (.sd == null or .sd >= 0))))
    and ((.recommendation | [\"model\",\"balance\",\"why\"] - keys) == [])"
holds "shape" "$share $compared"
holds "facts" '.data == "press" and .repeats == 3 and [.rows[].balance] == ["none","threshold","weights","smote"] and all(.rows[]; .model == "logistic")'
holds "threshold is the plain model judged at the moved one in both" '(.rows[1].metrics.f2.mean == .rows[1].metrics_moved.f2.mean) and (.rows[1].metrics_moved.f2.mean == .rows[0].metrics_moved.f2.mean)'
holds "the recommendation is one of the rows" '.recommendation as $r | any(.rows[]; .model == $r.model and .balance == $r.balance)'
holds "a ranking score does not move with the threshold" 'all(.rows[]; .metrics.roc_auc.mean == .metrics_moved.roc_auc.mean)'

# ---- runs, doctor, errors ----------------------------------------------------------------------------------------------------------------------
printf 'name: f\nsteps:\n  get: {use: import, set: {file: press.csv}}\n  clean: {use: clean, set: {target: broken}}\n  split: {use: split}\n  train: {use: train}\n  evaluate: {use: evaluate}\n' >f.yaml
ok "run" $A run f.yaml --json
run=$(json .run)
shape='((["run","state","steps"] - keys) == []) and .state == "done" and (.steps | length) == 5 and all(.steps[]; (["name","state","cached","seconds","inputs","outputs"] - keys) == [] and (.cached | type) == "boolean")'
holds "shape" "$shape"
ok "runs show" $A runs show "$run" --json
holds "shape" "$shape"
holds "it names its artifacts" '[.steps[] | select(.name == "train") | (.inputs | keys), (.outputs | keys)] | flatten | sort | unique == ["data","model","split"]'
ok "runs list" $A runs list --json
holds "newest first" '(.runs | length > 3) and ([.runs[].started] | . == (sort | reverse)) and all(.runs[]; .state | IN("done","failed"))'
ok "lineage" $A lineage model:press/1 --json
ok "doctor" $A doctor --json
holds "checks" 'all(.checks[]; has("name") and (.ok | type) == "boolean")'
ok "init" $A init another --json
ok "sim gearbox" $A sim gearbox --rows 50 --out g.csv --json
holds "counts" '.rows == 50 and .out == "g.csv"'
refuses "an unknown name" 2 'nothing' $A data show nothing
holds "its code" '.error.code == "not_found"'
refuses "wrong usage" 2 'flag' $A data show press --nothing
holds "its code" '.error.code == "usage"'
for command in "data list" "model list" "synth list" "runs list" "model show press" "data profile press" "model kinds" "doctor" "synth show wgan" "model explain press"; do
    ok "$command" $A $command --json
    holds "is one document" 'type == "object" or type == "array"'
    same "and silent on stderr" "" "$(cat "$err")"
done
finish
