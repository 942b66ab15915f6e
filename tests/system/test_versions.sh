# test_versions.sh - a plant's table as it grows: parts without a label yet, more classes than two, a column more, and predictions in the file's own words.
. "$(dirname "$0")/lib.sh"
need jq
A=$ANDON

# parts without a label yet
workspace grown
"$ANDON" sim gearbox --rows 600 --out full.csv --quiet >/dev/null
column=$(head -n 1 full.csv | tr ',' '\n' | grep -nx broken | cut -d: -f1)
awk -F, -v OFS=, -v c="$column" 'NR > 1 && NR % 20 == 0 { $c = "" } { print }' full.csv >open.csv
ok "a table with rows that have no label yet" $A data import open open.csv --target broken --json
holds "says how many" '.rows == 600 and .unlabelled == 30 and ([.warnings[] | select(test("broken is missing in 30 rows"))] | length == 1)'
ok "and shows them" $A data import open open.csv --target broken
says "the share of the positive rows is one of those with a label" 'of 570 rows with a label'
ok "its schema" sh -c "$A data schema open >open.yaml"
ok "applies to it again" $A data schema open --schema open.yaml
rm open.yaml
ok "is split" $A data split open --json
holds "without them" '.train + .test == 570'
ok "is trained on" $A model train open --data open --json
holds "without them" '.train_rows + .rows == 570'
ok "is compared on" $A compare --data open --balance none,smote --repeats 2 --json
holds "them, and no others" '.rows_total == 570'
ok "is balanced by a generator" $A synth fit open --data open --set wgan.steps=50 --json
ok "is shown" $A report open --out open.html --json
ok "another table is judged by it" $A model evaluate open --data open --json
holds "without what was trained on or has no label" '.rows == (600 - 30) - (570 - .rows)'

# several classes: one against the rest
awk -F, -v OFS=, -v c="$column" 'NR > 1 { $c = $c == 0 ? "good" : NR % 2 ? "crack" : "pore" } { print }' full.csv >kinds.csv
ok "several classes" $A data import kinds kinds.csv --target broken --json
holds "are said to be several" '[.warnings[] | select(test("3 classes; models tell one from the rest: name it with --positive"))] | length == 1'
refuses "training without naming one" 2 'three|3 classes' $A model train kinds --data kinds
ok "one of them named" $A data import kinds kinds.csv --target broken --positive pore --json
holds "is counted" '.positive == "pore" and .positives > 10'
ok "is learnt" $A model train kinds --data kinds --json
ok "and told" $A model predict kinds --in kinds.csv --out told.csv --json
same "from the rest" "not pore,pore" "$("$ANDON" data import told told.csv --json | jq -r '.name' >/dev/null; awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "label") c = i } NR > 1 { print $c }' told.csv | sort -u | paste -sd,)"

# a column more: the same parts are the same parts
awk -F, -v OFS=, 'NR == 1 { print $0, "added"; next } { print $0, NR * 7 % 13 }' full.csv >wider.csv
ok "a table without an id" $A data import part full.csv --target broken --json
ok "a model of it" $A model train part --data part --json
tested=$(json .rows) trained=$(json .train_rows)
ok "the same parts with a column more, under another name" $A data import other wider.csv --target broken --json
ok "are recognised" $A model evaluate part --data other --json
holds "and those trained on left out" ".rows == $tested and .left_out == $trained"
ok "as a new version" $A data import part wider.csv --target broken --json
ok "a model of that" $A model train wide --data part --json
holds "is tested on the same parts" ".rows == $tested"
ok "the first model" $A model evaluate part --data part/2 --json
holds "has not seen them" ".rows == $tested"
cut -d, -f"$column" full.csv | paste -d, - <(seq 0 600) | sed '1s/.*/broken,other/' >strange.csv
ok "a version of quite other columns" $A data import part strange.csv --target broken --json --keep other
holds "says that its rows cannot be recognised" '[.warnings[] | select(test("test part is drawn anew"))] | length == 1'

# what is predicted is written as the file writes
printf '\xef\xbb\xbfTeil;Kraft;Temperatur;geprueft;am;Bruch\r\n' >de.csv
for i in $(seq 1 200); do
    printf '%04d;"%d,%d0";%d;%s;%02d.03.2026 07:%02d;%s\r\n' "$i" $((i % 17 + 20)) $((i % 9)) $((i % 5 + 60)) "$([ $((i % 3)) = 0 ] && echo Yes || echo No)" $((i % 12 + 13)) $((i % 60)) \
        "$([ $((i % 17 + i % 11)) -gt 18 ] && echo yes || echo no)"
done >>de.csv
ok "a German table" $A data import de de.csv --target Bruch --id Teil --json
holds "says yes and no as it does" '.positive == "yes"'
ok "a model of it" $A model train de --data de --json
ok "predicts" $A model predict de --in de.csv --out verdicts.csv --json
holds "in its words" '.positive == "yes"'
cut -d';' -f1-6 verdicts.csv >same.csv
tr -d '\r"' <same.csv >got.txt
tr -d '\r"' <de.csv >want.txt
cmp -s got.txt want.txt && pass "the file's own columns are as they were" || fail "the file's own columns are as they were" "$(diff got.txt want.txt | head -n 4)"
says "with a decimal comma" '^0001;.*;(yes|no);0,[0-9]+;0,5;' verdicts.csv
same "and the file's line ends" 201 "$(grep -c $'\r$' verdicts.csv)"
ok "what was written can be read again" $A data import again verdicts.csv --target label --json
holds "with the probabilities as numbers" '[.columns[] | select(.name == "probability") | .type] == ["real"]'
cut -d';' -f1,3- de.csv >thin.csv
refuses "a file that lacks a feature" 2 'thin.csv has no column Kraft, which the model needs' $A model predict de --in thin.csv --out none.csv
ok "the same table as Parquet" $A data export de --out de.parquet
ok "predicts" $A model predict de --in de.parquet --out parquet.csv --json
holds "as many" '.rows == 200 and .positive == "yes"'
ok "thin" $A data import thin thin.csv --json
ok "as Parquet" $A data export thin --out thin.parquet
refuses "lacks it there, too" 2 'thin.parquet has no column Kraft, which the model needs' $A model predict de --in thin.parquet --out none.csv
# months that come later: the newest quarter is tested on, beside what was tested on before
workspace months
for m in 1 2; do
    { echo "part,t,x,y,ok"; for i in $(seq 1 400); do n=$((m * 400 + i)); printf 'P%04d,2026-0%d-%02dT%02d:%02d:00,%d.%d,%d,%s\n' $n $m $((i / 16 + 1)) $((i % 16)) $((i % 60)) $((n * 37 % 83)) $((i % 10)) $((n * 11 % 59)) "$([ $((n * 37 % 83 + n % 13)) -gt 72 ] && echo nok || echo ok)"; done; } >m$m.csv
done
ok "January" $A data import line m1.csv --target ok --id part --time t --json
ok "is split by time" $A data split line --json
holds "the newest quarter" '.test == 100'
ok "February is appended" $A data import line m2.csv --append --json
ok "and the split goes on" $A data split line --json
holds "with the newest quarter of all, and January's test part" '.test == 300'
ok "a model" $A model train line --data line --json
ok "its page" $A report line --out line.html --json
says "says so" 'newest ones, t from 2026-02-.* on, and 100 older ones that were tested on in an earlier version' line.html
cut -d, -f2- m2.csv >nameless.csv
ok "parts without the column that names them" $A data import nameless nameless.csv --target ok --json
ok "can be judged" $A model evaluate line --data nameless --json
holds "and it is said that they may have been trained on" '.seen_known == false and .rows == 400'
finish
