# test_generated_rows.sh - generated rows say where they came from, are known again wherever they turn up, and never reach a test part.
. "$(dirname "$0")/lib.sh"
need jq
workspace
A=$ANDON
table 400 60 >real.csv
ok "real rows" $A data import real real.csv --target broken
ok "a generator" $A synth fit g --data real --method wgan --set wgan.steps=400 --json
ok "rows from it" $A synth sample g --rows 240 --seed 5 --out made.csv --json
same "the columns of the data and the three that say where from" "torque,angle,force,kind,broken,_generator,_seed,_row" "$(head -n 1 made.csv)"
same "each row says its generator, seed and number" "$(for i in $(seq 0 239); do echo "g/1,5,$i"; done | md5sum)" "$(tail -n +2 made.csv | cut -d, -f6-8 | md5sum)"
same "all are of the rarer class" 240 "$(tail -n +2 made.csv | cut -d, -f5 | grep -cx 1)"
is "values are as fine as in the data" "$(tail -n +2 made.csv | cut -d, -f1 | awk 'length > 9' | wc -l)" -eq 0
is "categories are those of the data" "$(tail -n +2 made.csv | cut -d, -f4 | grep -cvE '^[ABC]$')" -eq 0

{ awk -v OFS=, 'NR == 1 { print $0, "_generator", "_seed", "_row"; next } { print $0, "", "", "" }' real.csv && tail -n +2 made.csv; } >mixed.csv
ok "both in one file" $A data import mixed mixed.csv --target broken --json
holds "are told apart" '.rows == 640 and .positives == 300 and ([.columns[].name] == ["torque","angle","force","kind","broken"])'
says "and said" '240.*generated|generated.*240'
ok "split" $A data split mixed --out part --json
holds "counts" '.train + .test == 640 and .test == 100 and .test_positives == 15'
same "the test part holds no generated row" 0 "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "_generator") g = i; next } g && $g != "" { n++ } END { print n + 0 }' part.test.csv)"
tail -n +2 real.csv | sort >real.rows
same "each of its rows is a real one" 100 "$(tail -n +2 part.test.csv | cut -d, -f1-5 | sort | comm -12 - real.rows | wc -l)"
same "the training part holds them, with their origin" 240 "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "_generator") g = i; next } g && $g == "g/1" { n++ } END { print n + 0 }' part.train.csv)"
ok "the export of it" $A data export mixed --out out.csv
ok "read again" $A data import again out.csv --target broken
ok "split" $A data split again --out again
same "forgets nothing" 0 "$(grep -c 'g/1' again.test.csv)"
same "and the split is the same" "$(sort part.test.csv | md5sum)" "$(sort again.test.csv | md5sum)"

ok "a model of both" $A model train mixed --data mixed --json
holds "is judged on real rows only" '.rows == 100 and .positives == 15 and (.confusion | .tp + .fn == 15 and .tn + .fp == 85)'
holds "and not called calibrated" '.calibrated == false'
ok "evaluate" $A model evaluate mixed --json
holds "counts real rows only" '.rows == 100 and (.confusion | .tp + .fn == 15)'
ok "a model of the real rows" $A model train real --data real --json
ok "evaluated on the file with both" $A model evaluate real --data mixed --json
holds "leaves the generated rows and its own training rows out" '.rows == 100 and .left_out == 540'
{ head -n 1 mixed.csv && tail -n +2 made.csv; } >only.csv
try $A data import only only.csv --target broken --json
is "a file of generated rows only is no data to judge a model on" "$code" -eq 2 -o "$code" -eq 3
ok "compare on both" $A compare --data mixed --balance none,smote --repeats 2 --json
holds "tests on real rows only" 'all(.rows[]; .confusion | (.tp + .fn + .tn + .fp == 200) and (.tp + .fn == 30))'
ok "judged as a file" $A synth judge --data real --synthetic made.csv --json
holds "the three columns are no columns to judge" '[.columns[].name | select(startswith("_"))] == [] and .rows_synthetic == 240'
ok "a generator of both" $A synth fit h --data mixed --method wgan --set wgan.steps=200 --json
holds "learns from real rows only" '.train_rows == 45'

# a file that lost some of its marks must not pass as measured
for fields in 1-6 1-7 1-5,7 1-5,8 1-5,7-8 1-6,8; do
    cut -d, -f$fields mixed.csv >some.csv
    refuses "a file with fields $fields, some of the marks only" 3 'mark generated rows' $A data import some some.csv --target broken
done
says "with the way out" 'bring back the columns _generator, _seed and _row' "$out"
cut -d, -f1-6 mixed.csv | sed '1s/_generator/_Generator/' >some.csv
refuses "in whatever case" 3 '_generator but not _seed, _row' $A data import some some.csv --target broken
sed '1s/_generator,_seed,_row/_Generator,_SEED,_Row/' mixed.csv >some.csv
ok "all three in another case" $A data import some some.csv --target broken --json
holds "are known" '.rows == 640 and ([.columns[].name] == ["torque","angle","force","kind","broken"])'
ok "Parquet" $A data export mixed --out mixed.parquet
ok "read" $A data import parquet mixed.parquet --target broken --json
holds "knows them" '[.columns[].name] == ["torque","angle","force","kind","broken"]'
sed 's/,5,7$/,5,-7/' mixed.csv >odd.csv
refuses "a mark that cannot be one" 2 '_row' $A data import odd odd.csv --target broken

# ---- filters and rivals -----------------------------------------------------------------------------------------------------------------
ok "a generator of all classes" $A synth fit all --data real --method wgan-filter --set steps=400 --json
holds "learns from all rows" '.train_rows == 300'
ok "its rows, filtered" $A synth sample all --rows 100 --filter --out filtered.csv --json
holds "the filter tells what it did" '.filter != null and .rows <= 100'
same "what passes is of the rarer class" 0 "$(tail -n +2 filtered.csv | cut -d, -f5 | grep -cvx 1)"
for method in smote random; do
    ok "$method" $A synth fit $method --data real --method $method --json
    ok "rows of $method" $A synth sample $method --rows 50 --out $method.csv
    same "say their origin" 50 "$(grep -c ",$method/1," $method.csv)"
done
ok "smote's are judged" $A synth judge --data real --synthetic smote.csv --json
ok "balanced by it" $A model train smote --data real --balance smote --json
holds "judged on real rows only" '.rows == 100 and .positives == 15'
finish
