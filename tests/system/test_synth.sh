# test_synth.sh - generators as people use them: parameters, fitting again, rows that meet terms, judging what is delivered, files for another workspace.
. "$(dirname "$0")/lib.sh"
need jq
workspace
A=$ANDON
table 400 100 >real.csv
ok "real rows" $A data import real real.csv --target broken

# ---- fitting -----------------------------------------------------------------------------------------------------------------------------
ok "methods" $A synth show wgan --json
holds "list the critic's own parameters" '[.params[].name] | index("critic_layers") and index("critic_width") and index("critic_rate")'
ok "their help" $A synth fit --help
says "names the methods" 'smote.*wgan-filter'
n=$(steps 600)
ok "a generator" $A synth fit g --data real --method wgan --set steps=$n,width=32,critic_width=48,critic_layers=1,critic_rate=0.001 --json
holds "is new" '.existed == false and .version == 1 and .params.critic_width == 48 and .params.critic_rate == 0.001'
first=$(json .id)
ok "the same again" $A synth fit g --data real --method wgan --set steps=$n,width=32,critic_width=48,critic_layers=1,critic_rate=0.001 --json
holds "is there already" '.existed == true and .version == 1'
same "with the same content" "$first" "$(json .id)"
ok "said so" $A synth fit g --data real --method wgan --set steps=$n,width=32,critic_width=48,critic_layers=1,critic_rate=0.001
says "in words" 'there already'
ok "another one of that name" $A synth fit g --data real --method smote --json
holds "is the second version" '.existed == false and .version == 2'
ok "the first again" $A synth fit g --data real --method wgan --set steps=$n,width=32,critic_width=48,critic_layers=1,critic_rate=0.001 --json
holds "is the newest, so a third version" '.existed == false and .version == 3'
refuses "a width that cannot be" 2 'critic_width.*1024' $A synth fit g --data real --set critic_width=5000

# ---- rows that meet terms ----------------------------------------------------------------------------------------------------------------
ok "smote" $A synth fit s --data real --method smote
ok "rows that meet terms" $A synth sample s --rows 300 --where 'kind=B,torque>6.5,angle=38..42' --out met.csv --json
holds "are as many as wanted" '.rows == 300 and .drawn > 300 and .next_row == .drawn and .where.met == 300 and .filter == null'
same "and every one meets them" 0 "$(tail -n +2 met.csv | awk -F, '!($4 == "B" && $1 > 6.5 && $2 >= 38 && $2 <= 42)' | wc -l)"
drawn=$(json .drawn)
ok "all rows up to there" $A synth sample s --rows "$drawn" --out all.csv
same "hold no other that does" "$(tail -n +2 met.csv | md5sum)" "$(tail -n +2 all.csv | awk -F, '$4 == "B" && $1 > 6.5 && $2 >= 38 && $2 <= 42' | md5sum)"
ok "a part of them" $A synth sample s --rows 120 --where 'kind=B,torque>6.5,angle=38..42' --out one.csv --json
ok "and the rest" $A synth sample s --rows 180 --where 'kind=B,torque>6.5,angle=38..42' --first-row "$(json .next_row)" --out two.csv --threads 1
same "are the same rows" "$(md5sum <met.csv)" "$({ cat one.csv && tail -n +2 two.csv; } | md5sum)"
refuses "terms that nothing meets" 2 'none of 100000 rows drawn meets.*torque>900' $A synth sample s --rows 10 --where 'torque>900' --out none.csv
absent "leave no file" none.csv none.csv.part
refuses "a column that is not there" 2 'torqe.*|did you mean torque' $A synth sample s --rows 10 --where 'torqe>3' --out none.csv
refuses "terms that are none" 2 'list of terms' $A synth sample s --rows 10 --where 'torque' --out none.csv
top=$(tail -n +2 all.csv | cut -d, -f1 | sort -g | tail -n 3 | head -n 1)
ok "terms that few meet" $A synth sample s --rows 1000 --where "torque>$top" --draw-limit 1 --out few.csv --json
holds "give what there is" '.rows > 0 and .rows < 1000 and .drawn == 100000 and .rows == .where.met'
says "and say so" 'only [0-9]+ of the 1000 rows wanted passed, of 100000 drawn' "$err"

# ---- what is delivered -------------------------------------------------------------------------------------------------------------------
ok "a generator of all rows" $A synth fit all --data real --method wgan-filter --set steps="$(steps 3000)" --json
if [ -z "${ANDON_STEPS:-}" ]; then # longer than is allowed under sanitizers: a short one passes no row
    ok "its judgement" $A synth judge --generator all --json
    holds "is of the rows behind the filter against the broken ones" '.rows_real == 75 and .rows_synthetic == 75 and .filter.passed == 75 and .filter.drawn > 75 and .filter.wanted == 75'
    holds "with points that have a class" '(.pca.synthetic | length == 75) and all(.pca.synthetic[]; length == 3 and .[2] == 1) and ([.pca.real[] | .[2]] | (map(select(. == 1)) | length) == 75 and length == 300)'
    ok "in words" $A synth judge --generator all
    says "tells how many passed" 'after the minority filter: of [0-9]+ drawn 75 passed'
    ok "rows that meet terms and pass the filter" $A synth sample all --rows 40 --where 'kind!=A' --filter --out both.csv --json
    holds "are counted" '.rows == 40 and .where.met >= 40 and .drawn >= .where.met and .filter.passed == 40 and .filter.drawn == .where.met'
    same "and meet both" 0 "$(tail -n +2 both.csv | awk -F, '!($4 != "A" && $5 == 1)' | wc -l)"
    ok "a report" $A report real --out report.html
    says "shows the filter" 'Minority filter' report.html
fi
ok "a generator of the broken rows is judged" $A synth judge --generator s --json
holds "unfiltered" '.rows_real == 75 and (has("filter") | not)'

# ---- another workspace -------------------------------------------------------------------------------------------------------------------
ok "export" $A synth export all --out all-1 --json
id=$(json .id)
holds "tells where" '.out == "all-1" and .name == "all" and .method == "wgan-filter"'
refuses "not into a folder that is in use" 2 'all-1' $A synth export all --out all-1
cp -r all-1 s-1-broken
ok "rows here" $A synth sample all --rows 100 --out here.csv
ok "import under another name" $A synth import here all-1 --json
holds "has the same content" ".id == \"$id\" and .version == 1 and .existed == false"
ok "import again" $A synth import here all-1 --json
holds "existed" '.existed == true'
there=$PWD/all-1 broken=$PWD/s-1-broken here=$PWD/here.csv data=$PWD/real.csv
workspace elsewhere
ok "import elsewhere" $A synth import all "$there" --json
holds "has the same content there" ".id == \"$id\" and .train_rows == 300"
ok "rows there" $A synth sample all --rows 100 --out there.csv
same "are the same" "$(md5sum <"$here")" "$(md5sum <there.csv)"
refuses "it cannot be judged without data" 2 'give --data' $A synth judge --generator all
ok "the same data there" $A data import real "$data" --target broken
[ -n "${ANDON_STEPS:-}" ] || ok "judged with it" $A synth judge --generator all --data real
head -c 200 "$broken/generator.safetensors" >short && cp short "$broken/generator.safetensors"
refuses "a damaged folder" 1 'safetensors|altered|corrupt' $A synth import bad "$broken"
refuses "no folder" 2 'nowhere' $A synth import bad nowhere
ok "what is there" $A synth list --json
holds "nothing of it" '[.rows[].name] == ["all"]'
finish
