# test_report.sh - what a report, an evaluation and a comparison may claim: rows of one batch are alike, the newest rows decide, prices stay, few repeats tell little.
. "$(dirname "$0")/lib.sh"
need jq
A=$ANDON

# ---- batches: 12 of them, the verdict hangs on the batch alone, so that 1,200 rows are 12 observations ----------------------------------------------------------------------------
workspace batches
awk 'function uniform() { state = state * 16807 % 2147483647; return state / 2147483647 } # not rand(): awks differ
BEGIN { state = 4444; print "batch,force,angle,bad"; for (b = 1; b <= 12; b++) for (i = 0; i < 100; i++) { bad = b % 3 == 0; printf "B%02d,%.6f,%.6f,%d\n", b, 10 + bad + 2 * uniform(), uniform(), bad } }' >parts.csv
ok import "$A" data import parts parts.csv --target bad --group batch --quiet
ok train "$A" model train m --data parts --json
holds "groups are drawn" '.interval_units.column == "batch" and .interval_units.count >= 2 and .interval_units.effective <= .interval_units.with_positives'
holds "the escape limit is that of the batches" '.positives >= 100 and .escape_upper > .confusion.fn / .positives + 0.3'
ok "the same for people" "$A" model evaluate m
says "escape limit and groups" 'rows of one batch are alike: [0-9]+ of them count as [0-9.]+'
says "what was drawn" 'whole groups by batch were drawn'
ok "report" "$A" report m --out m.html --quiet
says "how the test part was chosen" 'These test parts are whole groups: [0-9]+ of 12 by batch' m.html
says "beside the escape rate" 'Parts of one batch are alike' m.html

# ---- time: the effect of x turns round at three quarters ---------------------------------------------------------------------------------------------------------------------------
awk 'function uniform() { state = state * 16807 % 2147483647; return state / 2147483647 }
BEGIN { state = 5555; print "made,x,z,bad"; for (i = 0; i < 800; i++) { bad = uniform() < .2; s = i < 600 ? 4 : -4; printf "2026-01-01 %02d:%02d:00,%.4f,%.4f,%d\n", i / 60, i % 60, uniform() + uniform() + s * bad, uniform(), bad } }' >flip.csv
ok "import with a time" "$A" data import flip flip.csv --target bad --time made --quiet
ok "compare" "$A" compare --data flip --balance none,threshold --repeats 6 --json
holds "learnt on random splits, not recommended" '.recommendation | .better_than_trivial and (.recommended | not) and (.newest.better_than_trivial | not) and .newest.column == "made" and .newest.rows == 200'
ok "the same for people" "$A" compare --data flip --balance none,threshold --repeats 6
says "why" 'On the newest 200 rows \(made from 2026-01-01T10:00:00Z on\)'
says "nothing recommended" 'Nothing is recommended'
lacks "no advice" '^next:'
ok "train" "$A" model train flip --data flip --threshold f2 --quiet
ok "report" "$A" report flip --out flip.html --quiet
says "orange box" 'class="warn"><b>Nothing is recommended: what was learnt fails on the newest parts' flip.html
says "how the test part was chosen" 'newest 25.* of the data: made from 2026-01-01 10:00 on' flip.html
lacks "no green box" 'class="box"' flip.html
ok "few repeats" "$A" compare --data parts --balance none --repeats 2
says "few repeats are told" '2 repeats cannot tell much.*--repeats 10'

# ---- prices and thresholds --------------------------------------------------------------------------------------------------------------------------------------------------------
ok "threshold by cost" "$A" model threshold m --rule cost --cost-escape 400 --cost-reject 12 --json
holds "prices" '.costs.escape == 400 and .costs.reject == 12'
ok "report" "$A" report m --out m.html --quiet
says "prices on the page" 'Costs per part: an escape 400, a false reject 12' m.html
refuses "train beyond the scores" 2 'between 0 and 1' "$A" model train n --data parts --threshold 2
refuses "threshold beyond the scores" 2 'between 0 and 1' "$A" model threshold m --rule -0.5
refuses "compare beyond the scores" 2 'between 0 and 1' "$A" compare --data parts --threshold 1.5

# ---- a number that no square survives, and a stop --------------------------------------------------------------------------------------------------------------------------------
sed '5s/,[0-9.]*,/,1e+300,/' parts.csv >big.csv
ok "import" "$A" data import big big.csv --target bad --quiet
"$A" compare --data big --balance none --repeats 8 >"$out" 2>"$err"
is "it is refused with the column's name" "$(grep -c 'column force holds 1e+300' "$err")" -ge 1
says "what to do" '--missing 1e\+300' "$err"
"$A" compare --data flip --balance none,wgan --set wgan.steps=4000 --repeats 20 >"$out" 2>"$err" &
pid=$!
sleep 1.5
kill -INT $pid
wait $pid
is "a stop has its own status" $? -eq 130
says "and says how it goes on" 'the same command goes on' "$err"

finish
