# test_plant_data.sh - every table of the shared data folder comes in with one command: rows, columns, types, labels, missing cells, and what is set aside and why. What the
# folders' READMEs warn of is checked. Needs $ANDON_DATA; a folder that is absent is skipped. The commands and what they give stand in docs/results/plant-data.md.
. "$(dirname "$0")/lib.sh"
need jq
[ -d "$ANDON_DATA" ] || skip "no data sets in $ANDON_DATA"
workspace
A=$ANDON D=$ANDON_DATA
found=0

# have FILE: the folder is there; otherwise says that it is left out
have() {
    if [ -f "$D/$1" ]; then found=$((found + 1)); else echo "# skipped: $1 is not there"; return 1; fi
}

# plant NAME ROWS COLUMNS POSITIVES MISSING FILE... [--flags]: imports; POSITIVES - where there is no target of classes, MISSING: empty cells in all columns
plant() {
    local name=$1 rows=$2 columns=$3 positives=$4 missing=$5
    shift 5
    ok "$name: import" "$A" data import "$name" "$@" --json
    holds "$name: $rows rows, $columns columns" ".rows == $rows and (.columns | length) == $columns"
    [ "$positives" = - ] || holds "$name: $positives positive" ".positives == $positives"
    holds "$name: $missing cells are missing" "([.columns[].missing] | add) == $missing"
}
# aside NAME REASON COLUMN...: exactly these are set aside for this reason; types NAME TYPE=NUMBER...: so many columns of a type
aside() { local name=$1 reason=$2; shift 2; holds "$name: set aside as $reason: $*" "[.dropped[] | select(.reason == \"$reason\").name] | sort == (\"$*\" / \",\" | map(select(length > 0)) | sort)"; }
types() { local name=$1; shift; holds "$name: $*" "([.columns[].type] | group_by(.) | map(\"\(.[0])=\(length)\") | sort) == (\"$*\" / \" \" | sort)"; }

# ---- numbers and categories ---------------------------------------------------------------------------------------------------------------
if have ai4i2020/ai4i2020.csv; then # byte order mark, CRLF; five columns give the target away, RNF does not
    plant ai4i 10000 14 339 0 "$D/ai4i2020/ai4i2020.csv" --target 'Machine failure'
    types ai4i category=1 integer=9 real=3 text=1
    aside ai4i leak TWF,HDF,PWF,OSF
    aside ai4i identifier 'UDI,Product ID'
fi
if have steel-plates-faults/Faults.NNA; then # tabs, names in a second file
    plant steel 1941 34 72 0 "$D/steel-plates-faults/Faults.NNA" --no-header --names "$D/steel-plates-faults/Faults27x7_var" --target Stains \
        --drop Pastry,Z_Scratch,K_Scatch,Dirtiness,Bumps,Other_Faults
    types steel integer=21 real=13
    aside steel requested Pastry,Z_Scratch,K_Scatch,Dirtiness,Bumps,Other_Faults
fi
if have secom/secom_1547.data.gz; then # gzip, 590 columns without names, labels in a file of their own
    plant sensors 1547 590 - 41391 "$D/secom/secom_1547.data.gz" --no-header
    holds "secom: 116 constant columns" '[.dropped[] | select(.reason == "constant")] | length == 116'
    printf 'label\ntime\n' >labels.names
    plant labels 1547 2 - 0 "$D/secom/secom_1547_labels.data" --no-header --names labels.names --date-format '%d/%m/%Y %H:%M:%S'
    types labels datetime=1 integer=1
    plant all_labels 1567 2 - 0 "$D/secom/secom_labels.data" --no-header --names labels.names --date-format '%d/%m/%Y %H:%M:%S'
    ok "secom: side by side" $A data join secom sensors labels --by-row --target label --time time --json
    holds "secom: 94 fails of 1547, in time" '.rows == 1547 and (.columns | length) == 592 and .positives == 94 and .positive == "1" and ([.columns[] | select(.role == "time").name] == ["time"])'
fi
if have adult/adult.data; then # comma and blank, ? for missing; the test file has a comment line above and full stops behind the labels
    plant adult 32561 15 7841 4262 "$D/adult/adult.data" --no-header --target c15
    holds "adult: blanks are no part of a label" '.positive == ">50K"'
    plant adult_test 16281 15 3846 2203 "$D/adult/adult.test" --no-header --target c15
    holds "adult.test: full stops are" '.positive == ">50K."'
    types adult_test category=9 integer=6
fi
if have cip-dmd/parts_p1.csv; then # medians were filled in where nothing was measured
    plant cip 802 30 52 1035 "$D/cip-dmd/parts_p1.csv" --target fail
    aside cip leak assembly_rework
    aside cip identifier part_id_cylinder_bottom,part_id_piston_rod
    aside cip duplicate lathe_diameter_missing,lathe_length_missing,saw_anomaly_missing
    cat >cip.yaml <<'E'
columns:
  lathe_coaxiality: {sentinels: [34.8]}
  lathe_diameter: {sentinels: [-0.0005]}
  lathe_length: {sentinels: [163.659]}
E
    ok "cip: filled-in medians are missing again" $A data schema cip --schema cip.yaml --json
    holds "cip: 173 each, and the few parts that measured just so" '[.schema.sentinels[].cells] == [174,186,184] and ([.columns[] | select(.name == "lathe_length").missing] == [184])'
fi
if have nasa-milling/mill.csv; then # the first column has no name; wear was not measured after every run
    plant mill 167 14 - 21 "$D/nasa-milling/mill.csv" --target VB --group case
    holds "mill: rows without a label stay" '([.columns[] | select(.name == "VB") | [.role, .missing]] == [["target",21]]) and any(.warnings[]; test("VB is missing in 21 rows"))'
    holds "mill: the column without a name is told" 'any(.warnings[]; test("no name for column c1"))'
    aside mill identifier c1
fi
if have qit-cemc-tool-wear/tool_wear.csv; then # byte order mark, four header rows with line breaks in quotes, a blank row
    plant wear 544 6 - 272 "$D/qit-cemc-tool-wear/wear_long.csv" --target vbmax_mm
    types wear category=1 integer=2 real=3
    { echo cycle; for t in side end; do for e in 1 2 3 4; do for v in vbmax vb_half area; do [ $t$v = endvb_half ] || echo ${t}_${e}_$v; done; done; done; } >wear.names
    ok "wear as published: import" $A data import published "$D/qit-cemc-tool-wear/tool_wear.csv" --no-header --names wear.names --skip-bad refused.csv --json
    holds "wear as published: 68 cycles of 8 edges" '.rows - ([.columns[] | select(.name == "cycle").missing] | add) == 68 and (.columns | length) == 21 and ([.columns[] | select(.name != "cycle").type] | unique == ["real"])'
    is "wear as published: the header rows are in a file" "$(grep -c 'not a number' refused.csv)" -eq 3
    ok "wear as published: export" $A data export published --out published.csv
    same "wear as published: the same numbers as in the tidy file" "$(awk -F, 'NR > 1 && $1 == 40 && $2 == "side" { print $4 + 0, $5 + 0, $6 + 0 }' "$D/qit-cemc-tool-wear/wear_long.csv")" "$(awk -F, '$1 == 40 { for (i = 2; i < 14; i += 3) print $i + 0, $(i + 1) + 0, $(i + 2) + 0 }' published.csv)"
fi
if have grinding-piston-ring/grinding.csv; then # CRLF, two empty lines at the end, a target of 8 different numbers
    plant grinding 1200 10 - 0 "$D/grinding-piston-ring/grinding.csv" --target T1 --drop T2,T3
    types grinding category=1 integer=2 real=7
    holds "grinding: a number to predict" '.target == "T1"'
fi
if have cwru-bearing-features/feature_time_48k_2048_load_1.csv; then # ten classes; a sound bearing is told by its vibration alone
    plant cwru 2300 10 230 0 "$D/cwru-bearing-features/feature_time_48k_2048_load_1.csv" --target fault --positive Normal_1 --keep max,min,sd,rms
    holds "cwru: ten classes are told" 'any(.warnings[]; test("10 classes"))'
    types cwru category=1 real=9
fi
if have crimp-force-features/crimp_features_035.csv; then # five columns give the label away
    plant crimp 1217 43 379 0 "$D/crimp-force-features/crimp_features_035.csv" --target Binary_label_encoded --keep spectral_rolloff
    aside crimp leak CFM_label_encoded,Main-label_encoded,Main_label_string,Sub_label_encoded,Sub_label_string
    aside crimp constant Wire_cross-section_conductor
    aside crimp identifier CrimpID
    plant crimp05 1222 43 432 0 "$D/crimp-force-features/crimp_features_05.csv" --target Binary_label_encoded
    holds "crimp, the thicker wire: so do they there" '[.dropped[] | select(.reason == "leak").name] as $l | ["CFM_label_encoded","Main_label_string","Sub_label_string"] - $l == []'
fi
if have ipa-unfastening/dataset1.tar.gz && command -v tar >/dev/null; then # 1,210 JSON files, one a cycle, and the label in the folder's name: jq makes a table of them
    mkdir -p ipa && tar xzf "$D/ipa-unfastening/dataset1.tar.gz" -C ipa
    {
        echo label,id,program,samples,angle_end,torque_min,torque_max,duration_s
        find ipa -name '*.json' -print0 | LC_ALL=C sort -z | xargs -0 jq -r '."tightening steps"[0] as $s | $s.graph."torque values" as $t |
            [(input_filename / "/")[-2], ."id code", ."prg name", ($t | length), $s.angle, ($t | min), ($t | max), $s.duration] | @csv'
    } >ipa.csv
    plant ipa 1210 8 229 0 ipa.csv --target label --positive nicht_loesbar --id id --drop program
    holds "ipa: the program's name would tell (IO, NIO)" '[.columns[] | select(.name == "program") | [.role, .reason]] == [["ignored","requested"]]'
fi
if have cmapss/train_FD001.txt; then # two blanks at the end of each line, constant sensors
    plant fd001 20631 26 - 0 "$D/cmapss/train_FD001.txt" --no-header --group c1
    aside fd001 constant c5,c6,c10,c15,c21,c23,c24
    types fd001 integer=4 real=22
    plant fd001_test 13096 26 - 0 "$D/cmapss/test_FD001.txt" --no-header --group c1
    plant fd003 24720 26 - 0 "$D/cmapss/train_FD003.txt" --no-header --group c1
    plant fd003_test 16596 26 - 0 "$D/cmapss/test_FD003.txt" --no-header --group c1
    plant rul001 100 1 - 0 "$D/cmapss/RUL_FD001.txt" --no-header
    plant rul003 100 1 - 0 "$D/cmapss/RUL_FD003.txt" --no-header
fi
if have cnc-mill-tool-wear/experiment_01.csv; then # eighteen files below each other; two spellings of End
    plant cnc 25286 48 - 0 "$D"/cnc-mill-tool-wear/experiment_*.csv
    aside cnc constant S1_SystemInertia,Z1_CurrentFeedback,Z1_DCBusVoltage,Z1_OutputCurrent,Z1_OutputVoltage
    types cnc category=1 real=47
    plant cnc_experiments 18 7 10 4 "$D/cnc-mill-tool-wear/train.csv" --target tool_condition --positive worn
fi

# ---- lists that go with images ----------------------------------------------------------------------------------------------------------------
have bsdata-ballscrew/crops96.csv && {
    plant crops 1596 14 446 371 "$D/bsdata-ballscrew/crops96.csv" --target class --group group
    aside crops leak kind,pit_area_px
    plant wear_images 1035 12 - 0 "$D/bsdata-ballscrew/wear_sequences.csv" --group position --time time
    plant gan_split 1435 4 223 0 "$D/bsdata-ballscrew/gan_paper_split.csv" --target class --positive pitting --group group
}
have casting-impeller/images.csv && {
    plant casting 600 3 300 0 "$D/casting-impeller/images.csv" --target class --positive def_front --id file
    plant casting_boxes 247 6 - 0 "$D/casting-impeller/defect_boxes.csv"
}
have kolektor-sdd/images.csv && {
    plant kolektor 399 10 52 1388 "$D/kolektor-sdd/images.csv" --target class --group approx_item --id file
    aside kolektor leak xmin,ymin,xmax,ymax
}
have magnetic-tile/images.csv && plant magnetic 782 16 390 1970 "$D/magnetic-tile/images.csv" --target class --positive free --group part --id file
have mould-thermal-breakout/images.csv && plant mould 1613 10 53 1578 "$D/mould-thermal-breakout/images.csv" --target class --positive breakout --time time --id file
have neu-steel/boxes.csv && plant neu 4189 6 - 0 "$D/neu-steel/boxes.csv"
have rust-standin/images.csv && plant rust 557 7 160 397 "$D/rust-standin/images.csv" --target class --positive rust_standin --id file

[ $found -gt 0 ] || skip "no data sets in $ANDON_DATA"
finish
