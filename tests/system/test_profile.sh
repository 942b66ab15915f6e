# test_profile.sh - a gauge that changed its unit, as a person meets it: at the import of the newer month, between versions, in the profile; dates as dates; one
# limit; sums of rounded columns.
. "$(dirname "$0")/lib.sh"
A=$ANDON
workspace

month() { # month FIRST-ROW ROWS FACTOR: readings of 95 to 105, to 0.01, times the factor; a + b = c rounded each for itself
    awk -v first="$1" -v n="$2" -v k="$3" 'BEGIN {
        print "made,force,a,b,c,ok"
        for (i = first; i < first + n; i++) {
            u = (i * 7919 % 1000) / 100; a = 3 + (i * 613 % 997) / 3000; b = 4 + (i * 389 % 991) / 3000
            printf "2026-0%d-%02d,%.2f,%.3f,%.3f,%.3f,%s\n", 3 + int(i / 280), 1 + int(i / 10) % 28, (95 + u) * k, a, b, a + b + (i % 150 == 7 ? 0.01 : 0), i % 11 ? "OK" : "NOK"
        } }'
}
month 0 280 1 >march.csv
month 280 140 1000 >april.csv
ok "a month" $A data import p march.csv --target ok
ok "the next, below it" $A data import p april.csv --append
says "another unit is told" 'force: the added rows look like another unit: a thousand times as large'
ok "between the versions" $A data diff p/1 p/2
says "the rows that came are told apart" 'force: the rows that were added look like another unit: a thousand times'
ok "the profile" $A data profile p --out p.html
says "the step, on its row" 'force steps from .* at row 281 .*another unit\? a thousand times as large'
same "and no other" "$(grep -c ' steps from ' "$out")" 1
says "dates are dates" 'made +datetime .* 2026-03-01 +2026-'
lacks "no seconds since 1970" 'e\+09'
$A data schema p | sed '/^  force:/a\    high: 104000' >s.yaml
printf 'constraints: [a + b = c]\n' >>s.yaml
ok "one limit, and a sum" $A data schema p --schema s.yaml
says "only the rows that are off by more than rounding" 'a \+ b = c: broken in 3 rows, which stay; off by more than 0.0015'
ok "the profile with a limit" $A data profile p --out p.html
says "of one side" 'limit 104000 \(upper\)'
lacks "no nan" '\bnan\b'
same "nor in the tables" "$(cat p.tables/*.csv p.html | grep -ciwE 'nan')" 0
finish
