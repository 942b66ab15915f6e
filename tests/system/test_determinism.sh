# test_determinism.sh - the same data and seed give the same bits: on any number of threads, however many rows are drawn at a time, and in any workspace.
. "$(dirname "$0")/lib.sh"
need jq
workspace source
A=$ANDON
"$ANDON" sim gearbox --rows 500 --out gearbox.csv --quiet >/dev/null
cp gearbox.csv "$work/"

# everything at once, in a workspace of its own: addresses and numbers, without times
numbers='walk(if type == "object" then with_entries(select(.key | test("(_s|_ms|seconds|^run|^started|^ended|^created|path|out|values?_s)$") | not)) else . end)'
facts() {
    workspace "$1" && cp "$work/gearbox.csv" .
    local more=(--threads "$2" --seed "$3" --quiet --json)
    "$ANDON" data import gearbox gearbox.csv --target broken "${more[@]}" | jq -r '.id' >data.id &&
    "$ANDON" data split gearbox "${more[@]}" | jq -r '.id' >split.id &&
    "$ANDON" synth fit g --data gearbox --method wgan --set wgan.steps=700 "${more[@]}" | jq -r '.id' >generator.id &&
    "$ANDON" synth fit clip --data gearbox --method wgan-filter --set regularity=clip --set steps=400 "${more[@]}" | jq -r '.id' >clip.id &&
    "$ANDON" synth judge --generator g "${more[@]}" | jq -S -c "$numbers | del(.scores.sample_1k_s, .scores.sample_10k_s)" >judge.json &&
    "$ANDON" synth sample g --rows 300 --out made.csv "${more[@]}" >/dev/null &&
    "$ANDON" model train plain --data gearbox "${more[@]}" | jq -r '.id' >plain.id &&
    "$ANDON" model train smote --data gearbox --balance smote --threshold f2 "${more[@]}" | jq -r '.id' >smote.id &&
    "$ANDON" model train gan --data gearbox --balance wgan --set wgan.steps=300 --threshold f2 "${more[@]}" | jq -r '.id' >gan.id &&
    "$ANDON" model evaluate gan "${more[@]}" | jq -S -c "$numbers" >evaluate.json &&
    "$ANDON" model predict gan --in gearbox.csv --out verdicts.csv "${more[@]}" >/dev/null &&
    "$ANDON" compare --data gearbox --balance none,threshold,weights,random,smote,wgan --repeats 2 --set wgan.steps=200 "${more[@]}" | jq -S -c "$numbers" >compare.json
}
for run in "one 1 1" "two 2 1" "other 2 2"; do
    set -- $run
    facts "$1" "$2" "$3"
    same "everything runs (--threads $2 --seed $3)" 0 $?
done
for file in data.id split.id plain.id smote.id gan.id generator.id clip.id judge.json evaluate.json compare.json made.csv verdicts.csv; do
    is "$file is there" -s "$work/one/$file"
    same "--threads 1 and 2: the same $file" "$(sha256sum <"$work/one/$file")" "$(sha256sum <"$work/two/$file")"
done
for file in generator.id clip.id smote.id gan.id compare.json made.csv; do
    differ "another seed: another $file" "$(cat "$work/one/$file")" "$(cat "$work/other/$file")"
done
for file in data.id split.id; do
    same "another seed: the same $file" "$(cat "$work/one/$file")" "$(cat "$work/other/$file")"
done
for path in $("$ANDON" doctor | grep -o 'processor has[a-z0-9 ]*' | sed 's/processor has//'); do # other kernels may round otherwise, and say the same
    workspace "cpu.$path" && cp "$work/gearbox.csv" .
    ok "import with kernels '$path'" env ANDON_CPU=$path "$ANDON" data import gearbox gearbox.csv --target broken
    ok "train" env ANDON_CPU=$path "$ANDON" model train smote --data gearbox --balance smote --threshold f2
    ok "predict" env ANDON_CPU=$path "$ANDON" model predict smote --in gearbox.csv --out verdicts.csv
    [ -s "$work/labels" ] || cut -d, -f72-73 verdicts.csv >"$work/labels"
    same "labels and probabilities agree" 0 "$(cut -d, -f72-73 verdicts.csv | paste -d, - "$work/labels" | awk -F, 'NR > 1 { d = $2 - $4; if ($1 != $3 || d > 1e-5 || d < -1e-5) n++ } END { print n + 0 }')"
done

# ---- rows --------------------------------------------------------------------------------------------------------------------------------------
cd "$work/one" || exit 1
ok "the first 120 rows" $A synth sample g --rows 120 --out first.csv
ok "the other 180" $A synth sample g --rows 180 --first-row 120 --out second.csv
same "are the rows of one file" "$(sha256sum <made.csv)" "$( { cat first.csv && tail -n +2 second.csv; } | sha256sum)"
same "no half-written file is left" "" "$(ls | grep -F .part)"
ok "another seed" $A synth sample g --rows 120 --seed 9 --out ninth.csv
differ "gives other rows" "$(sha256sum <first.csv)" "$(sha256sum <ninth.csv)"
same "a row says its seed" 9 "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "_seed") s = i } NR == 2 { print $s }' ninth.csv)"
same "rows are numbered" "120 299" "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "_row") s = i } NR == 2 { a = $s } END { print a, $s }' second.csv)"

# ---- splits are stable ------------------------------------------------------------------------------------------------------------------------------
workspace split && cp "$work/gearbox.csv" all.csv
head -n 401 all.csv >some.csv
part() { tail -n +2 "$1" | cut -d, -f1 | sort; }
ok "400 rows" $A data import g some.csv --target broken --id serial
ok "split" $A data split g --out before
ok "500 rows" $A data import g all.csv --target broken --id serial --json
holds "a second version" '.version == 2 and .rows == 500'
ok "split" $A data split g --out after
part before.test.csv >b.test && part before.train.csv >b.train && part after.test.csv >a.test && part after.train.csv >a.train
same "old test rows stay test rows" "" "$(comm -23 b.test a.test)"
is "new rows are dealt out, too" "$(wc -l <a.test)" -ge 120 -a "$(wc -l <a.test)" -le 130
is "each part has both classes" "$(tail -n +2 after.test.csv | grep -c ',1$')" -ge 5
same "no row is in both" "" "$(comm -12 a.test a.train)"
same "no row is lost" "$(part all.csv)" "$(sort a.test a.train)"
{ head -n 1 all.csv && tail -n +2 all.csv | sort -r -t, -k7,7; } >shuffled.csv
ok "the rows in another order" $A data import shuffled shuffled.csv --target broken --id serial
ok "split" $A data split shuffled --out shuffled
ok "the rows in the first order" $A data import straight all.csv --target broken --id serial
ok "split" $A data split straight --out straight
same "are dealt out alike" "$(part straight.test.csv)" "$(part shuffled.test.csv)"
{ head -n 1 all.csv && tail -n +102 all.csv; } >rest.csv
ok "100 rows less" $A data import g rest.csv --target broken --id serial
ok "split" $A data split g --out rest
same "what was a test row stays one" "" "$(part rest.train.csv | comm -12 - a.test)"

awk -F, -v OFS=, 'NR == 1 { print $0, "batch", "made"; next } { print $0, "B" int((NR - 2) / 10), sprintf("2026-03-%02d 10:%02d:00", 1 + int((NR - 2) / 25), (NR - 2) % 25) }' all.csv >batches.csv
ok "with a group column" $A data import grouped batches.csv --target broken --id serial --group batch --drop made
ok "split" $A data split grouped --out grouped
column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) s = i; next } { print $s }' "$1" | sort -u; }
same "no group is in both parts" "" "$(comm -12 <(column grouped.train.csv batch) <(column grouped.test.csv batch))"
ok "with a time column" $A data import timed batches.csv --target broken --id serial --time made --drop batch
ok "split" $A data split timed --out timed
is "the newest are the test part" "$(column timed.train.csv made | tail -n 1)" '<' "$(column timed.test.csv made | head -n 1)"
is "a quarter of them" "$(tail -n +2 timed.test.csv | wc -l)" -ge 120 -a "$(tail -n +2 timed.test.csv | wc -l)" -le 130
finish
