# test_select.sh - from the plant's raw view to a few columns: two station files are joined, columns selected on the training part, and the same by a pipeline.
. "$(dirname "$0")/lib.sh"
need jq
workspace
A=$ANDON
ok "the raw view" $A sim gearbox --raw --rows 500 --out g.csv
ok "press station" $A data import press g.press.csv
ok "screw station" $A data import screw g.screw.csv
ok "joined, the last attempt of reworked parts" $A data join part press screw --on serial --attempts last --target broken --json
columns=$(json '[.columns[] | select(.role == "feature")] | length')

# ---- looking ----------------------------------------------------------------------------------------------------------------------------
ok "a dry run" $A data select part --dry-run --json
holds "has the shape" '.dry_run == true and .name == "part" and .version == 1 and (.selection | (["rows","positives","candidates","selected","expected_false","shuffled","shuffled_selected","context","groups"] - keys) == [])'
holds "each group has a speaker that is a member" 'all(.selection.groups[]; .representative as $r | (.members | index($r)) != null)'
holds "each column is in one group" '[.selection.groups[].members[]] | length == (unique | length)'
holds "selected is what enough halves chose" '.selection.stable as $s | all(.selection.groups[]; .selected == (([.association, .joint] | max) >= $s - 1e-9)) and ([.selection.groups[] | select(.selected)] | length) == .selection.selected'
holds "the strong columns are found" '[.selection.groups[] | select(.selected) | .members[]] as $m | (["screw2_angle","screw3_angle","screw5_energy"] - $m) == []'
holds "within the variants" '.selection.context | index("variant") != null'
holds "few of many" '.selection.selected >= 8 and .selection.selected <= 40'
cp "$out" dry.json
ok "data" $A data list --json
holds "nothing was made" '[.rows[] | select(.name == "part")] | length == 1'
ok "for people" $A data select part --dry-run
says "what was read" 'training rows.*the test part was not read'
says "what mistakes to expect" 'expected by mistake: at most'
ok "one thread" $A data select part --dry-run --json --threads 1
same "threads do not matter" "$(jq -S -c .selection dry.json)" "$(jq -S -c .selection "$out")"

# ---- a new version ------------------------------------------------------------------------------------------------------------------------
ok "the test part before" $A data split part --out before
ok "select" $A data select part --to small --json
holds "has the shape of data show" '.name == "small" and .version == 1 and (.columns | length) == 692 and .target == "broken" and (.selection.groups | length) > 0'
holds "as the dry run said" '[.columns[] | select(.role == "feature").name] | length < 50'
same "the same groups" "$(jq -S -c .selection dry.json)" "$(jq -S -c .selection "$out")"
holds "what was left out says why" '[.dropped[].reason] | unique - ["constant","duplicate","empty","identifier","leak","redundant","unselected"] == [] and (index("redundant") and index("unselected"))'
holds "the context stays" '[.columns[] | select(.name == "variant").role] == ["feature"]'
cp "$out" small.json
ok "the test part after" $A data split small --out after
serials() { cut -d, -f"$(head -1 "$1" | tr , '\n' | grep -nx serial | cut -d: -f1)" "$1" | sort; }
same "the same parts are tested" "$(serials before.test.csv)" "$(serials after.test.csv)"
ok "again" $A data select part --to small --json
holds "is the same version" '.existed == true and .version == 1'
ok "lineage" $A lineage data:small --json
holds "goes back to both files" '[.. | objects | select(.kind? == "file") | .files[]?.path] | unique | length == 2'
ok "a model on all columns" $A model train all --data part --json
all=$(json .metrics.roc_auc.value)
ok "a model on the selected ones" $A model train few --data small --json
few=$(json .metrics.roc_auc.value)
awk -v a="$all" -v b="$few" 'BEGIN { exit !(b > a - 0.03 && b > 0.85) }' && pass "ranks the untouched test part about as well or better" || fail "ranks the untouched test part about as well or better" "$few, with all $columns columns $all"
ok "compare" $A compare --data small --balance none,threshold --repeats 3 --json
holds "works on it" '(.rows | length) == 2 and .rows[0].metrics.roc_auc.mean > 0.85'

# ---- by hand ------------------------------------------------------------------------------------------------------------------------------
refuses "a choice by hand needs a reason" 2 'nobody says why' $A data select part --keep housing_temp
ok "with a reason" $A data select part --to kept --keep housing_temp --drop screw2_angle --reason "the encoder of screw 2 was changed in May" --json
holds "it is done" '([.columns[] | select(.name == "housing_temp").role] == ["feature"]) and ([.columns[] | select(.name == "screw2_angle") | [.role, .reason]] == [["ignored","requested"]])'
holds "and recorded" '.expert == {"keep":["housing_temp"],"drop":["screw2_angle"],"reason":"the encoder of screw 2 was changed in May"}'
ok "data" $A data list kept --json
holds "with the version" '.rows[0].expert.reason == "the encoder of screw 2 was changed in May" and .rows[0].selected_from == "part/1"'
refuses "a misspelt column" 2 'housing_temp' $A data select part --keep housing_tmp --reason x
refuses "the target" 2 'target' $A data select part --drop broken --reason x
ok "a table without a target" $A data import press2 g.press.csv --drop press_operator
refuses "has nothing to select for" 2 'target' $A data select press --dry-run
table 60 5 >thin.csv
ok "five positive rows" $A data import thin thin.csv --target broken
refuses "are too few" 2 'too few' $A data select thin --dry-run
table 300 60 >plain.csv
ok "a plain table" $A data import plain plain.csv --target broken
ok "select" $A data select plain --json
holds "makes a new version of the same name" '.name == "plain" and .version == 2 and ([.columns[] | select(.role == "feature").name] | index("torque") != null)'
holds "three features, and what is noise is told" '[.dropped[] | select(.name == "angle").reason] == ["unselected"]'

# ---- the pipeline ---------------------------------------------------------------------------------------------------------------------------
cat >flow.yaml <<'Y'
name: stations
steps:
  press:
    use: import
    set: {name: p_press, file: [g.press.csv]}
  screw:
    use: import
    set: {name: p_screw, file: [g.screw.csv]}
    needs: []
  join:
    use: join
    set: {name: p_part, table: [p_press, p_screw], on: serial, attempts: last, target: broken}
    needs: [press, screw]
  select:
    use: select
    set: {to: p_small, drop: [screw2_angle], reason: the encoder was changed}
  train:
    use: train
    set: {model: logistic}
  evaluate:
    use: evaluate
  register:
    use: register
    set: {what: model, name: from_stations}
Y
ok "the whole way as a pipeline" $A run flow.yaml --json
holds "is done" '.state == "done" and ([.steps[].name] == ["press","screw","join","select","train","evaluate","register"] or (.steps | length) == 7)'
ok "again" $A run flow.yaml --json
holds "from the cache" 'all(.steps[]; .cached)'
ok "the result" $A data show p_small --json
holds "has few features" '[.columns[] | select(.role == "feature")] | length > 5 and length < 50'
ok "compare on it" $A compare --data p_small --balance none,threshold --repeats 3 --json
holds "goes on" '(.rows | length) == 2'
table 300 60 9 >other.csv
cat >small.yaml <<'Y'
name: small
steps:
  plain:
    use: import
    set: {file: [other.csv], target: broken}
  split:
    use: split
    set: {share: 0.1}
  select:
    use: select
    set: {to: p_tenth}
Y
ok "a split of another share" $A run small.yaml --json
cp "$out" tenth.json
ok "is the split of the result" $A data split p_tenth --json
holds "a tenth of the parts are tested, the others were read" '(.test / (.test + .train)) < 0.13'
cat >bad.yaml <<'Y'
name: bad
steps:
  select:
    use: select
    set: {name: part, dry_run: true}
Y
refuses_plain "a step that makes nothing" 2 'dry_run' $A run bad.yaml
finish
