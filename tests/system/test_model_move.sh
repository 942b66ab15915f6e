# test_model_move.sh - a model leaves one workspace as a folder and comes into another: the same address, the same verdicts, nothing that was altered, no approval.
. "$(dirname "$0")/lib.sh"
need jq
A=$ANDON

workspace office
table 400 100 >plain.csv
try $A data import parts plain.csv --target broken
ok "train" $A model train parts --data parts --threshold 0.3
ok "export" $A model export parts --format bundle --out "$work/usb"
id=$($A model show parts --json | jq -r .id)
ok "verdicts there" $A model predict parts --in plain.csv --out "$work/there.csv"

workspace box
ok "import" $A model import parts "$work/usb" --json
holds "the same address" ".id == \"$id\" and .name == \"parts\" and .version == 1 and .existed == false and .threshold.value == 0.3 and .calibrated == true"
ok "import again" $A model import parts "$work/usb" --json
holds "is there already" '.existed == true and .version == 1'
ok "under another name" $A model import press "$work/usb" --json
holds "the same content" ".id == \"$id\" and .existed == false"
ok "verdicts here" $A model predict parts --in "$work/office/plain.csv" --out here.csv
same "are the same" "$(md5sum <"$work/there.csv")" "$(md5sum <here.csv)"
ok "where it is from" $A lineage parts
says "says import" 'import'
ok "it is explained" $A model explain parts
ok "a report of it" $A report parts --out parts.html
refuses "judging needs data" 2 'give --data' $A model evaluate parts
ok "which may be given" $A data import parts "$work/office/plain.csv" --target broken
ok "judged on it" $A model evaluate parts --data parts --json
holds "has metrics" '.metrics.f2.value > 0'
ok "another threshold without its data" $A model threshold press --rule 0.4 --json
holds "is there, not judged" '.version == 2 and .threshold.value == 0.4 and .calibrated == true and (has("metrics") | not)'
refuses "nobody here has approved it" 3 'champion|not approved' $A serve --model parts --port 0

cp -r "$work/usb" "$work/altered" && chmod -R u+w "$work/altered"
sed -i '2s/[0-9]/7/2' "$work/altered/golden.csv"
refuses "an altered folder" 1 'golden\.csv.*altered' $A model import bad "$work/altered"
cp "$work/usb/model.json" "$work/altered/model.json" && head -c 100 "$work/usb/model.safetensors" >"$work/altered/model.safetensors"
refuses "a cut file" 1 'altered|safetensors' $A model import bad "$work/altered"
rm "$work/altered/model.json"
refuses "a folder that is no model" 1 'model\.json' $A model import bad "$work/altered"
refuses "no folder" 2 'nowhere' $A model import bad nowhere
refuses "which folder" 2 'needs NAME FOLDER' $A model import bad
refuses "a name that is none" 2 'not allowed' $A model import 'a/b' "$work/usb"
ok "what is there" $A model list --json
holds "nothing of it" '[.rows[].name] | unique == ["parts", "press"]'
finish
