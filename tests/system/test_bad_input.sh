# test_bad_input.sh - what a person can hand in wrongly: a clear message with file, row, column and value, the right exit status, and nothing half-written.
. "$(dirname "$0")/lib.sh"
need jq
need awk
workspace

import() { "$ANDON" data import "$@"; }
A=$ANDON

# ---- files --------------------------------------------------------------------------------------------------------------------------
printf 'a,b,y\n1,2,0\n3,4\n5,6,1\n' >ragged.csv
printf 'a,b,y\n1,2,0\n3,4,1,9\n5,6,1\n' >wide.csv
printf 'a,b,y\n1,"2,0\n3,4,1\n5,6,1\n' >quote.csv
printf 'a,b,y\n1,2,0\n3,\0004,1\n5,6,1\n' >nul.csv
: >empty.csv
printf 'a,b,y\n' >header.csv
printf 'a,b,a\n1,2,0\n3,4,1\n' >twice.csv
table 200 40 >good.csv
awk -F, -v OFS=, 'NR == 121 { $2 = "oops" } { print }' good.csv >text.csv
refuses "a ragged row" 2 'ragged\.csv.*line 3.*(2 fields|2 values).*3' $A data import d ragged.csv --target y
refuses "a row with a field too many" 2 'wide\.csv.*line 3' $A data import d wide.csv --target y
refuses "an unclosed quote" 2 'quote\.csv.*line 2.*column b.*quote' $A data import d quote.csv --target y
refuses "a NUL byte" 2 'nul\.csv.*line 3.*column b' $A data import d nul.csv --target y
refuses "an empty file" 2 'empty\.csv.*empty' $A data import d empty.csv --target y
refuses "a header only" 2 'header\.csv.*no row' $A data import d header.csv --target y
refuses "a header twice" 2 'twice\.csv.*(name a |"a").*1.*3' $A data import d twice.csv --target y
refuses "a text in a number column" 2 'text\.csv.*line 121.*column angle.*"oops".*not a number' $A data import d text.csv --target broken
says "the way out is named" 'type.*angle=category' "$out"
refuses "a file that is not there" 2 'no file "?nowhere\.csv' $A data import d nowhere.csv
refuses "a folder for a file" 2 'folder' $A data import d "$work"
refuses "a type that does not fit" 2 'line 2.*column kind.*not an integer' $A data import d good.csv --type kind=integer --target broken

{ head -n 100 good.csv && printf '5.1,' && head -c 10485760 /dev/zero | tr '\0' 7 && printf ',2.0,A,0\n'; } >digits.csv
refuses "10 MB of digits in a number column" 2 'digits\.csv.*line 101.*column angle' $A data import d digits.csv --target broken
is "the message is not 10 MB long" "$(wc -c <"$out")" -lt 4000
awk -F, -v OFS=, 'NR == 1 { print $0, "note"; next } { print $0, "note " NR }' good.csv >notes.csv
{ cat notes.csv && printf '5.1,40.2,2.0,A,0,' && head -c 10485760 /dev/zero | tr '\0' x && echo; } >long.csv
ok "a field of 10 MB is read" $A data import long long.csv --target broken --json
holds "and its column set aside" '.rows == 201 and (.dropped | any(.name == "note" and .reason == "identifier"))'
{ head -n 100 good.csv && printf '5.1,40.2,2.0,"A' && head -c 20971520 /dev/zero | tr '\0' x && printf '",0\n'; } >endless.csv
refuses "a field of 20 MB" 2 'endless\.csv.*line 101.*column kind.*16 MB' $A data import d endless.csv --target broken
rm -f digits.csv long.csv endless.csv

# ---- targets and columns -----------------------------------------------------------------------------------------------------------------
awk -F, -v OFS=, 'NR > 1 { $5 = 0 } { print }' good.csv >oneclass.csv
awk -F, -v OFS=, 'NR > 1 { $5 = NR == 9 } { print }' good.csv >onepositive.csv
awk -F, -v OFS=, 'NR > 1 { $5 = NR == 9 || NR == 70 } { print }' good.csv >twopositive.csv
awk -F, -v OFS=, 'NR > 1 { $3 = "" } { print }' good.csv >missing.csv
awk -F, -v OFS=, 'NR == 9 { $5 = "" } { print }' good.csv >untold.csv
refuses "a target that is not there" 2 "no column brokn" $A data import d good.csv --target brokn
says "the nearest column" "broken" "$out"
refuses "a target with one class" 2 'target broken has one class' $A data import d oneclass.csv --target broken
refuses "one positive row" 2 'broken has 1 row' $A data import d onepositive.csv --target broken
ok "a target that is missing somewhere" $A data import untold untold.csv --target broken --json
holds "leaves those rows out of both parts, and says so" '.unlabelled == 1 and ([.warnings[] | select(test("first is row 8"))] | length == 1)'
ok "two positive rows can be looked at" $A data import two twopositive.csv --target broken --json
holds "and are counted" '.positives == 2'
ok "a column all missing is set aside" $A data import gap missing.csv --target broken --json
holds "as empty" '.dropped == [{"name":"force","reason":"empty"}]'
ok "and does not hinder a model" $A model train gap --data gap --json
ok "nor does it when it is kept" $A data import gapkept missing.csv --target broken --keep force --json
try $A model train gapkept --data gapkept --json
is "a kept empty column is learnt around or refused" "$code" -eq 0 -o "$code" -eq 2

refuses "a misspelt column to drop" 2 "angel.*|angle" $A data import d good.csv --target broken --drop angel
says "the nearest column to drop" "angle" "$out"
refuses "a misspelt column to keep" 2 "torqe" $A data import d good.csv --target broken --keep torqe
says "the nearest column to keep" "torque" "$out"
refuses "a misspelt id column" 2 "forse" $A data import d good.csv --target broken --id forse
says "the nearest id column" "force" "$out"
refuses "a column and type misspelt" 2 "angel" $A data import d good.csv --target broken --type angel=real
says "the nearest column to type" "angle" "$out"
refuses "a type misspelt" 2 "integer.*real.*category" $A data import d good.csv --target broken --type angle=reel
refuses "a value that the target does not have" 2 'broken.*no value 2' $A data import d good.csv --target broken --positive 2
refuses "a name that cannot be one" 2 'a/b' $A data import a/b good.csv
refuses "no name at all" 2 'name|empty' $A data import '' good.csv
ok "nothing refused was registered" $A data list --json
holds "only what was read" '[.rows[].name] | unique == ["gap","gapkept","long","two","untold"]'

# ---- predicting -----------------------------------------------------------------------------------------------------------------------------
ok "import" $A data import good good.csv --target broken
ok "train" $A model train good --data good
sed '2,4s/,[ABC],/,Z,/' good.csv | cut -d, -f1-4 >unseen.csv
ok "a category unseen in training" $A model predict good --in unseen.csv --out unseen.out.csv
is "is called out of range" "$(awk -F, '$NF == "kind"' unseen.out.csv | wc -l)" -ge 3
is "and gets a probability all the same" "$(awk -F, 'NR > 1 && NR < 5 && $6 > 0 && $6 < 1' unseen.out.csv | wc -l)" -eq 3
cut -d, -f1,3,4 good.csv >lacking.csv
refuses "a feature that is missing" 2 'no column "?angle' $A model predict good --in lacking.csv --out lacking.out.csv
absent "leaves no file" lacking.out.csv lacking.out.csv.part
sed '1s/angle/angel/' good.csv >misspelt.csv
refuses "a feature that is misspelt" 2 'no column "?angle' $A model predict good --in misspelt.csv --out x.csv
says "the nearest column of the file" "angel" "$out"
awk -F, -v OFS=, 'NR == 12 { $1 = "high" } { print }' good.csv >words.csv
refuses "a word in a feature" 2 'words\.csv.*line 12.*column torque.*"high"' $A model predict good --in words.csv --out x.csv
cut -d, -f1-4 good.csv | awk -F, -v OFS=, 'NR > 1 { $1 = "high" } { print }' >allwords.csv
refuses "words in all of a feature" 2 'torque' $A model predict good --in allwords.csv --out x.csv
refuses "a file that is not there, to predict" 2 'nowhere' $A model predict good --in nowhere.csv --out x.csv
refuses "no file to write" 2 '\-\-out' $A model predict good --in good.csv
refuses_plain "a folder that is not there, to write into" 1 'nofolder' $A model predict good --in unseen.csv --out nofolder/x.csv
absent "no file after a refusal" x.csv x.csv.part

# ---- words ----------------------------------------------------------------------------------------------------------------------------------
refuses "a misspelt flag" 2 '\-\-target' $A data import d good.csv --traget broken
refuses "a misspelt command" 2 "data import" $A data improt d good.csv
refuses "a misspelt noun" 2 "model train" $A mdel train x
refuses "a misspelt model kind" 2 'logistic' $A model train m --data good --model logistik
refuses "a misspelt balancing" 2 'smote' $A model train m --data good --balance smoote
refuses "a misspelt data set" 2 'good' $A model train m --data goood
refuses "a misspelt model" 2 'good' $A model evaluate goood
refuses "a version that is not there" 2 'good' $A model evaluate good/9
refuses "an alias that is not there" 2 'champion' $A model evaluate good@champion
refuses "the wrong kind of name" 2 'generator' $A model show generator:good
refuses "a misspelt model kind in compare" 2 'logistic' $A compare --data good --models logistik
refuses "a misspelt balancing in compare" 2 'weights' $A compare --data good --balance none,wieghts
refuses "a misspelt rule" 2 'f2.*recall=|recall=.*f2' $A model train m --data good --threshold f3
refuses "a misspelt rule in compare" 2 'f2.*recall=|recall=.*f2' $A compare --data good --threshold f3
refuses "a misspelt method" 2 'wgan' $A synth fit g --data good --method wagn
refuses "a misspelt parameter of a generator" 2 'width' $A synth fit g --data good --set wgan.widht=3
refuses "a misspelt parameter without prefix" 2 'width' $A synth fit g --data good --set widht=3
refuses "a misspelt parameter of a model" 2 'toleranse.*|tolerance' $A model train m --data good --set toleranse=3
refuses "a misspelt prefix" 2 'logistic\.c' $A model train m --data good --set logistc.c=3
refuses "a parameter out of range" 2 '"?c"?.*-3.*0\.0001' $A model train m --data good --set c=-3
refuses "a parameter that is no number" 2 '"?c"?.*abc.*not a number' $A model train m --data good --set c=abc
refuses "a parameter without a value" 2 'c.*=' $A model train m --data good --set c
refuses "a flag out of range" 2 'share.*9.*0\.9' $A data split good --share 9
refuses "a flag that is no number" 2 'repeats.*many' $A compare --data good --repeats many
refuses "a choice that is none" 2 'onnx' $A model export good --format onx --out x
refuses_plain "a flag without a value" 2 '\-\-out' $A model export good --out
refuses "a word too many" 2 'extra' $A data show good extra
refuses "a word too few" 2 'NAME' $A data show
refuses "no data set" 2 '\-\-data' $A model train m
refuses "a run that is not there" 2 'runs list' $A runs show 0000
refuses "a lineage of nothing" 2 'nothing' $A lineage nothing
absent "nothing was written" x

# ---- pipeline files ----------------------------------------------------------------------------------------------------------------------------
mkdir flows
step_get='  get: {use: import, set: {file: ../good.csv}}'
printf 'name: f\nsteps:\n  one:\n    use: import\n    needs: [three]\n    set: {file: ../good.csv}\n  two: {use: clean, needs: [one]}\n  three: {use: split, needs: [two]}\n' >flows/cycle.yaml
printf 'name: f\nsteps:\n  get:\n    use: imprt\n' >flows/kind.yaml
printf 'name: f\nsteps:\n%s\n  clean:\n    use: clean\n    needs: [gte]\n' "$step_get" >flows/step.yaml
printf 'name: f\nsteps:\n%s\n  clean:\n    use: clean\n    set:\n      taget: broken\n' "$step_get" >flows/param.yaml
printf 'name: f\nsteps:\n%s\n  clean: {use: clean, set: {target: broken}}\n  split:\n    use: split\n    set:\n      share: 1.5\n' "$step_get" >flows/range.yaml
printf 'name: f\nsteps:\n%s\n  split: {use: split, set: {share: many}}\n' "$step_get" >flows/number.yaml
printf 'name: f\nsteps:\n  inner:\n    use: nothere.yaml\n' >flows/nested.yaml
printf 'name: f\nsteps:\n  inner: {use: param.yaml}\n' >flows/deep.yaml
printf 'name: f\nsteps:\n  inner: {use: self.yaml}\n' >flows/self.yaml
printf 'name: f\nsteps:\n  get:\n    use: import\n    sett: {file: ../good.csv}\n' >flows/key.yaml
printf 'name: f\nsteps:\n%s\n%s\n' "$step_get" "$step_get" >flows/twice.yaml
printf 'name: f\nsteps:\n%s\n  train: {use: train}\n' "$step_get" >flows/input.yaml
printf 'name: f\nsteps:\n  get: {use: import, set: {file: ../nowhere.csv}}\n' >flows/file.yaml
printf 'name: f\nsteps:\n  get: [\n' >flows/syntax.yaml
printf 'name: f\n' >flows/steps.yaml
: >flows/empty.yaml
before=$("$ANDON" runs list --limit 1000 --json | jq '.runs | length')
refuses "a cycle" 2 'cycle\.yaml:5.*one.*three.*two.*one' $A run flows/cycle.yaml
refuses "an unknown kind of step" 2 'kind\.yaml:4.*imprt' $A run flows/kind.yaml
says "the nearest kind" '"?import' "$out"
refuses "an unknown step in needs" 2 'step\.yaml:6.*gte' $A run flows/step.yaml
says "the nearest step" '"?get' "$out"
refuses "a misspelt parameter in a file" 2 'param\.yaml:7.*taget' $A run flows/param.yaml
says "the nearest parameter" 'target' "$out"
refuses "a value out of range in a file" 2 'range\.yaml:8.*share.*1\.5.*0\.9' $A run flows/range.yaml
refuses "a text for a number in a file" 2 'number\.yaml:4.*share' $A run flows/number.yaml
refuses "a nested file that is not there" 2 'nested\.yaml:4.*nothere\.yaml' $A run flows/nested.yaml
refuses "a mistake in a nested file" 2 'param\.yaml:7.*taget' $A run flows/deep.yaml
refuses "a file that uses itself" 2 'self\.yaml:3.*self\.yaml' $A run flows/self.yaml
refuses "an unknown key" 2 'key\.yaml:5.*sett' $A run flows/key.yaml
refuses "a step twice" 2 'twice\.yaml.*4.*get.*twice' $A run flows/twice.yaml
refuses "an input that no step makes" 2 'input\.yaml:4.*train.*split' $A run flows/input.yaml
refuses "a broken file" 2 'syntax\.yaml.*4' $A run flows/syntax.yaml
refuses "no steps" 2 'steps\.yaml.*steps' $A run flows/steps.yaml
refuses "an empty pipeline file" 2 'empty\.yaml' $A run flows/empty.yaml
refuses "no such pipeline file" 2 'nowhere\.yaml' $A run nowhere.yaml
printf 'name: f\nsteps:\n%s\n  clean: {use: clean, set: {target: broken}}\n  split: {use: split}\n' "$step_get" >flows/fine.yaml
refuses "a misspelt step in --set" 2 'splt' $A run flows/fine.yaml --set splt.share=0.3
refuses "a misspelt parameter in --set" 2 'shre' $A run flows/fine.yaml --set split.shre=0.3
refuses "a value out of range in --set" 2 'share.*9' $A run flows/fine.yaml --set split.share=9
refuses "--set without a step" 2 'share' $A run flows/fine.yaml --set share=0.3
same "no run was begun by any of them" "$before" "$("$ANDON" runs list --limit 1000 --json | jq '.runs | length')"
refuses "a data file that is not there" 2 'nowhere\.csv' $A run flows/file.yaml
says "the file and line that name it" 'file\.yaml:3' "$out"

# ---- workspaces -----------------------------------------------------------------------------------------------------------------------------
mkdir "$work/bare"
refuses "not a workspace" 2 'andon init' env -C "$work/bare" "$ANDON" data list
refuses "a workspace that is not there" 2 "nothere" $A data list --workspace "$work/nothere"

if has_sql; then
    workspace newer
    cp ../ws/good.csv . && "$ANDON" data import good good.csv --target broken >/dev/null
    sql .andon/andon.db "PRAGMA user_version = $(($(sql .andon/andon.db 'PRAGMA user_version') + 1))" >/dev/null
    refuses "a database of a newer version" 1 'newer' $A data list
    status "also for writing" 1 "$ANDON" data import x good.csv
    sql .andon/andon.db "PRAGMA user_version = 1000" >/dev/null
    refuses "a database of a much newer version" 1 'newer' $A data show good
    status "doctor tells" 0 "$ANDON" doctor
    says "that it is newer" 'newer'
else
    echo "# neither sqlite3 nor $PYTHON is here: a newer database is not checked"
fi

workspace altered
cp ../ws/good.csv . && "$ANDON" data import good good.csv --target broken >/dev/null && "$ANDON" model train m --data good >/dev/null
id=$("$ANDON" model show m --json | jq -r .id)
file=.andon/artifacts/${id:0:2}/${id:2}/model.safetensors
is "the weights are where the address says" -f "$file"
chmod u+w "$file"
at=$(($(stat -c %s "$file") - 3)) byte=$(dd if="$file" bs=1 skip=$at count=1 status=none | od -An -tu1)
printf "\\$(printf %03o $(((byte + 1) % 256)))" | dd of="$file" bs=1 seek=$at conv=notrunc status=none
refuses "an altered artifact" 1 'model\.safetensors.*alter|alter.*model\.safetensors|model\.safetensors.*hash|hash.*model\.safetensors' $A model evaluate m
says "its code" '"corrupt"'
id=$("$ANDON" data show good --json | jq -r .id)
file=$(find ".andon/artifacts/${id:0:2}/${id:2}" -type f | sort | tail -n 1)
chmod u+w "$file" && : >"$file"
refuses "an emptied artifact" 1 "$(basename "$file" | sed 's/\./\\./g')" $A data show good
rm -f "$file"
refuses "a removed file of an artifact" 1 "$(basename "$file" | sed 's/\./\\./g')" $A data show good

if command -v "$PYTHON" >/dev/null; then
    workspace locked
    cp ../ws/good.csv .
    mkfifo "$work/hold"
    "$PYTHON" -c '
import sqlite3, sys, time
db = sqlite3.connect(".andon/andon.db", isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")
' <"$work/hold" >"$work/held" &
    holder=$!
    exec 9>"$work/hold"
    until [ -s "$work/held" ] || ! kill -0 $holder 2>/dev/null; do sleep 0.05; done
    begun=$(date +%s)
    refuses_plain "a locked workspace" 1 'lock|another process|busy' $A data import good good.csv --target broken
    waited=$(($(date +%s) - begun))
    is "after waiting for it" "$waited" -ge 5 -a "$waited" -le 40
    "$ANDON" data import good good.csv --target broken --json >"$work/waited.json" 2>/dev/null 9>&- &
    waiter=$!
    sleep 1
    exec 9>&-
    wait $holder
    wait $waiter
    same "a lock that is given up in time does no harm" 0 $?
    holds "and the import is whole" '.rows == 200' "$work/waited.json"
    ok "the workspace is fine afterwards" $A doctor --json
    holds "by every check" '[.checks[] | select(.name == "workspace" or .name == "record") | .ok] == [true, true]'
else
    echo "# $PYTHON is not here: a locked workspace is not checked"
fi
finish
