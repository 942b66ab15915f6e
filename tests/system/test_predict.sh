# test_predict.sh - verdicts on a CSV file, and the model in other hands (ONNX).
. "$(dirname "$0")/lib.sh"
need jq
workspace
A=$ANDON
table 400 60 >plain.csv
awk -F, -v OFS=, 'NR == 1 { print "serial", $0, "note"; next } { print "P" 1000 + NR, $0, "n" NR % 3 }' plain.csv >parts.csv
ok "import" $A data import parts parts.csv --target broken --id serial --drop note
ok "train" $A model train parts --data parts --threshold 0.3
ok "predict" $A model predict parts --in parts.csv --out verdicts.csv --json
holds "counts" '.rows == 400 and .out == "verdicts.csv"'
same "four columns are added to the input's" "serial,torque,angle,force,kind,broken,note,label,probability,threshold,out_of_range" "$(head -n 1 verdicts.csv)"
same "which stay as they were, in their order" "$(cat parts.csv | md5sum)" "$(cut -d, -f1-7 verdicts.csv | md5sum)"
same "a row for each" 401 "$(wc -l <verdicts.csv)"
same "the threshold decides the label" 0 "$(tail -n +2 verdicts.csv | awk -F, '($9 >= $10) != ($8 == 1) { n++ } END { print n + 0 }')"
same "it is the model's" 0.3 "$(tail -n +2 verdicts.csv | cut -d, -f10 | sort -u)"
same "probabilities" 0 "$(tail -n +2 verdicts.csv | awk -F, '!($9 >= 0 && $9 <= 1) { n++ } END { print n + 0 }')"
is "that tell the classes apart" "$(tail -n +2 verdicts.csv | awk -F, '{ s[$6] += $9; n[$6]++ } END { print (s[1] / n[1] > s[0] / n[0] + 0.1) }')" -eq 1

head -n 4 parts.csv | awk -F, -v OFS=, 'NR == 2 { $2 = 99; $5 = "Q" } NR == 3 { $3 = "" } { print $1, $4, $3, $2, $5 }' >odd.csv
ok "values out of range, another order of columns, no target" $A model predict parts --in odd.csv --out odd.out.csv
same "columns stay in the file's order" "serial,force,angle,torque,kind,label,probability,threshold,out_of_range" "$(head -n 1 odd.out.csv)"
same "the unusual ones are named, joined by ;" "torque;kind" "$(sed -n 2p odd.out.csv | cut -d, -f9 | tr -d '"')"
same "a missing value is no value out of range" "" "$(sed -n 3p odd.out.csv | cut -d, -f9)"
is "and gets a probability" "$(sed -n 3p odd.out.csv | cut -d, -f7 | awk '{ print ($1 > 0 && $1 < 1) }')" -eq 1
same "a row's verdict does not depend on its neighbours or on the order" "$(sed -n 4p verdicts.csv | cut -d, -f8-9)" "$(sed -n 4p odd.out.csv | cut -d, -f6-7)"
head -n 2 parts.csv >single.csv
ok "one row alone" $A model predict parts --in single.csv --out single.out.csv
same "the same verdict" "$(sed -n 2p verdicts.csv)" "$(sed -n 2p single.out.csv)"

awk -F, -v OFS=, 'NR == 5 { $2 = "broken cable" } NR == 9 { print $0 ",more"; next } { print }' parts.csv >faulty.csv
refuses "cells that cannot be read" 2 'line 5|line 9' $A model predict parts --in faulty.csv --out faulty.out.csv
ok "unless they are left out" $A model predict parts --in faulty.csv --out faulty.out.csv --skip-bad left.csv
same "the other rows get their verdicts" "$(sed '5d; 9d' verdicts.csv | md5sum)" "$(md5sum <faulty.out.csv)"
same "the list says which are missing" "line 5 9" "$(echo $(cut -d, -f1 left.csv))"
ok "a sample of them" $A model predict parts --in faulty.csv --out some.csv --skip-bad left.csv --sample 50
same "holds rows of the file, each with its own verdict" 50 "$(tail -n +2 some.csv | grep -cxFf - verdicts.csv)"

refuses "--type goes before what the model expects" 2 'torque" holds text' $A model predict parts --in parts.csv --out none.csv --type torque=text
sed 's/,/;/g; s/\./,/g' parts.csv >european.csv
ok "semicolons and decimal commas" $A model predict parts --in european.csv --out european.out.csv --delimiter semicolon --decimal ,
same "the same verdicts" "$(cut -d, -f8-9 verdicts.csv | md5sum)" "$(cut -d';' -f8-9 european.out.csv | tr ';,' ',.' | md5sum)"
ok "found out by itself" $A model predict parts --in european.csv --out found.out.csv
same "the same file" "$(md5sum <european.out.csv)" "$(md5sum <found.out.csv)"
sed 's/$/\r/; 1s/^/\xef\xbb\xbf/' parts.csv | gzip >windows.csv.gz
ok "a byte order mark, CRLF and gzip" $A model predict parts --in windows.csv.gz --out windows.out.csv
same "the same verdicts" "$(cut -d, -f1,8- verdicts.csv | md5sum)" "$(tr -d '\r' <windows.out.csv | sed '1s/^\xef\xbb\xbf//' | cut -d, -f1,8- | md5sum)"
tail -n +2 plain.csv | cut -d, -f1-4 >bare.csv
printf 'torque\nangle\nforce\nkind\n' >names
ok "no header, names in a file" $A model predict parts --in bare.csv --out bare.out.csv --no-header --names names
same "the same verdicts" "$(cut -d, -f8-9 verdicts.csv | md5sum)" "$(cut -d, -f5-6 bare.out.csv | md5sum)"
awk -F, -v OFS=, 'NR > 1 { $2 = int($2) } { print }' parts.csv >whole.csv
ok "whole numbers in a real column" $A model predict parts --in whole.csv --out whole.out.csv
head -n 3 parts.csv | awk -F, -v OFS=, 'NR == 1 { $7 = "label" } { print }' >taken.csv
try $A model predict parts --in taken.csv --out taken.out.csv
is "a column of the input that is called label is refused or kept apart" "$code" -eq 2 -o "$(head -n 1 taken.out.csv 2>/dev/null | tr , '\n' | sort | uniq -d | wc -l)" -eq 0
ok "another version" $A model threshold parts --rule 0.7
ok "predict with the first" $A model predict parts/1 --in parts.csv --out first.csv
same "is still the first" "$(md5sum <verdicts.csv)" "$(md5sum <first.csv)"
ok "predict with the newest" $A model predict parts --in parts.csv --out second.csv
same "has its threshold" 0.7 "$(tail -n +2 second.csv | cut -d, -f10 | sort -u)"

# ---- files for others ----------------------------------------------------------------------------------------------------------------------
ok "export onnx" $A model export parts/1 --format onnx --out parts.onnx --json
is "a file" -s parts.onnx
ok "export bundle" $A model export parts/1 --format bundle --out bundle --json
for file in MLmodel model.safetensors model.json model.onnx; do is "the bundle has $file" -s "bundle/$file"; done
same "the same network" "$(md5sum <parts.onnx)" "$(md5sum <bundle/model.onnx)"
lacks "no machine's path is in it" "$work" bundle/MLmodel

agrees() { # MODEL INPUT.csv OPTIONS...: andon's verdicts on a file, and onnxruntime's on the same rows
    local model=$1 input=$2
    shift 2
    "$ANDON" model predict "$model" --in "$input" --out "$work/agree.csv" "$@" >/dev/null &&
        "$ANDON" model export "$model" --format onnx --out "$work/agree.onnx" >/dev/null &&
        "$PYTHON" "$ANDON_SOURCE/tests/system/onnx_agrees.py" "$work/agree.onnx" "$work/agree.csv" "$("$ANDON" model explain "$model" --json | jq -r .positive)"
}
if "$PYTHON" -c 'import onnxruntime, numpy' 2>/dev/null; then
    ok "onnxruntime agrees" agrees parts/1 parts.csv
    says "on every row" '^400 rows'
    ok "on unusual rows, too" agrees parts/1 odd.csv
    ok "gearbox" $A sim gearbox --rows 600 --out gearbox.csv
    ok "import" $A data import gearbox gearbox.csv --target broken
    ok "train" $A model train gearbox --data gearbox --balance smote --threshold f2
    ok "onnxruntime agrees on gearbox" agrees gearbox gearbox.csv
    if [ -f "$ANDON_DATA/ai4i2020/ai4i2020.csv" ]; then
        ok "AI4I" $A data import ai4i "$ANDON_DATA/ai4i2020/ai4i2020.csv" --target 'Machine failure' --drop 'UDI,Product ID,TWF,HDF,PWF,OSF,RNF'
        ok "train" $A model train ai4i --data ai4i --threshold f2
        ok "onnxruntime agrees on AI4I" agrees ai4i "$ANDON_DATA/ai4i2020/ai4i2020.csv"
        says "on every row" '^10000 rows'
    fi
    steel=$ANDON_DATA/steel-plates-faults
    if [ -f "$steel/Faults.NNA" ]; then
        ok "steel plates" $A data import steel "$steel/Faults.NNA" --no-header --names "$steel/Faults27x7_var" --target Stains --drop Pastry,Z_Scratch,K_Scatch,Dirtiness,Bumps,Other_Faults
        ok "train" $A model train steel --data steel --balance weights
        ok "onnxruntime agrees on steel plates" agrees steel "$steel/Faults.NNA" --no-header --names "$steel/Faults27x7_var"
        says "on every row" '^1941 rows'
    fi
    secom=$ANDON_DATA/secom
    if [ -f "$secom/secom_1547.data.gz" ]; then
        paste -d ' ' <(gzip -dc "$secom/secom_1547.data.gz") <(cut -d ' ' -f1 "$secom/secom_1547_labels.data") >secom.txt
        ok "SECOM" $A data import secom secom.txt --no-header --target c591
        ok "train" $A model train secom --data secom --threshold f2
        ok "onnxruntime agrees on SECOM" agrees secom secom.txt --no-header
        says "on every row" '^1547 rows'
    fi
else
    echo "# $PYTHON has no onnxruntime: the agreement is not checked here"
fi
finish
