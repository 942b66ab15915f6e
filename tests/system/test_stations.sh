# test_stations.sh - three station files as plants write them, with reworked, missing and differently written parts: imported, pivoted, joined. What each choice of
# --attempts gives is checked cell by cell.
. "$(dirname "$0")/lib.sh"
need jq
need iconv
workspace
A=$ANDON

# The press, as a German Excel writes it: semicolons, decimal commas, CRLF, Latin-1 letters. P002 was pressed twice, P005 three times, P004 was never tested.
cat >press.txt <<'E'
serial;Zeit;Kraft;Stößel
P001;01.03.2026 06:00:10;3,10;links
P002;01.03.2026 06:01:10;4,90;links
P003;01.03.2026 06:02:10;3,30;rechts
P004;01.03.2026 06:03:10;3,40;rechts
P005;01.03.2026 06:04:10;1,50;links
P002;01.03.2026 06:05:10;3,20;links
P005;01.03.2026 06:06:10;1,60;rechts
P006;01.03.2026 06:07:10;3,60;rechts
P005;01.03.2026 06:08:10;3,50;rechts
;01.03.2026 06:09:10;9,90;links
E
sed 's/$/\r/' press.txt | iconv -f UTF-8 -t ISO-8859-1 >press.csv
# The screwdriver: tabs, a row a screw, quotes, Minitab's * for a missing value. Screw 2 of P003 was tightened twice.
printf 'serial\tscrew\ttorque\tangle\n' >screw.tsv
for p in 1 2 3 5 6 7; do
    for k in 1 2 10; do
        printf '"P00%s"\t%s\t%s\t%s\n' $p $k "$((20 + p)).$(printf %02d $k)" "$([ $p$k = 61 ] && echo '*' || echo $((60 + k)))" >>screw.tsv
        [ $p$k = 32 ] && printf '"P00%s"\t%s\t%s\t%s\n' $p $k 29.5 77 >>screw.tsv
    done
done
# The leak tester: comma, a byte order mark, UTF-8, a result a part; P002 was tested twice, with another result and another operator.
printf '\xef\xbb\xbfserial,leak,operator,Kraft,result\nP006,0.66,Özil,3.60,ok\nP001,0.11,Ada,3.10,ok\nP002,0.92,Ada,4.90,nok\nP003,0.33,Özil,3.30,nok\nP002,0.22,Özil,3.25,ok\nP005,0.55,Ada,3.50,ok\nP008,0.88,Ada,3.80,ok\n' >leak.csv

# ---- import -----------------------------------------------------------------------------------------------------------------------------
ok "the press file" $A data import press press.csv --date-format '%d.%m.%Y %H:%M:%S' --json
holds "decimal commas, dates, Latin-1" '.rows == 10 and [.columns[] | [.name, .type, .missing]] == [["serial","category",1],["Zeit","datetime",0],["Kraft","real",0],["Stößel","category",0]]'
ok "the screw file" $A data import screw screw.tsv --missing '*' --json
holds "tabs, quotes, *" '.rows == 19 and ([.columns[] | select(.name == "angle") | [.type, .missing]] == [["integer",1]])'
ok "the leak file" $A data import leak leak.csv --json
holds "without its byte order mark" '.rows == 7 and .columns[0].name == "serial"'

# ---- one row a screw becomes one row a part -------------------------------------------------------------------------------------------------
refuses "a screw tightened twice is not guessed at" 2 'P003' $A data pivot screws screw --on serial --names screw --values torque,angle
ok "the last one counts" $A data pivot screws screw --on serial --names screw --values torque,angle --attempts last --json
holds "screws as people count" '[.columns[].name] | sort == ["10_angle","10_torque","1_angle","1_torque","2_angle","2_torque","serial"] and index("1_torque") < index("2_torque") and index("2_torque") < index("10_torque")'
holds "one row a part" '.rows == 6'
holds "what came twice is listed" '.pivot.repeated == [{"key":"P003","name":"2","rows":2}]'
cell() { # TABLE SERIAL COLUMN: the cells, row by row
    $A data export "$1" --out cell.csv --quiet >/dev/null && awk -F, -v s="$2" -v c="$3" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["serial"] == s { printf "%s%s", sep, $at[c]; sep = " " }' cell.csv
}
same "the second tightening" 29.5 "$(cell screws P003 2_torque)"
same "a missing angle stays missing" "" "$(cell screws P006 1_angle)"

# ---- reworked parts -------------------------------------------------------------------------------------------------------------------------
refuses "repeated serials are refused" 2 'serial P005 has 3 rows' $A data join part press leak --on serial
refuses "and the rows that would come are counted" 2 'would become 3 rows of one part' $A data join part press leak --on serial
refuses "with what to do about it" 2 'attempts last or first' $A data join part press leak --on serial
for what in first last all; do
    ok "--attempts $what" $A data join "part_$what" press leak screws --on serial --attempts $what --json
    cp "$out" "$what.json"
done
holds "first: one row a part that is everywhere" '.rows == 5 and .join.left_out == 3' first.json
same "first: the first pressing" 4.9 "$(cell part_first P002 press.Kraft)"
same "first: the first test" "0.92 nok" "$(cell part_first P002 leak) $(cell part_first P002 result)"
same "first: of three" 1.5 "$(cell part_first P005 press.Kraft)"
holds "last: one row a part" '.rows == 5' last.json
same "last: the last pressing" 3.2 "$(cell part_last P002 press.Kraft)"
same "last: the last test" "0.22 ok" "$(cell part_last P002 leak) $(cell part_last P002 result)"
same "last: of three" 3.5 "$(cell part_last P005 press.Kraft)"
same "not reworked: the same" "3.1 0.11 21.01" "$(cell part_last P001 press.Kraft) $(cell part_last P001 leak) $(cell part_last P001 1_torque)"
holds "reworked parts are listed" '[.join.tables[] | {(.name): ([.repeated[] | {(.key): .rows}] | add // {})}] | add == {"press":{"P002":2,"P005":3},"leak":{"P002":2},"screws":{}}' last.json
holds "so are unmatched ones" '[.join.tables[] | {(.name): .unmatched}] | add == {"press":["P004"],"leak":["P008"],"screws":["P007"]}' last.json
holds "and rows without a serial" '[.join.tables[] | .without_key] == [1,0,0]' last.json
holds "a column that two stations have is compared" '[.join.conflicts[] | select(.column == "Kraft") | [.tables, .rows, .first]] == [[["press","leak"],1,["P002"]]]' last.json
holds "and bears the station's name" '[.columns[].name] as $n | (["press.Kraft","leak.Kraft"] - $n == []) and ($n | index("Kraft") == null)' last.json
holds "the serial names the part" '[.columns[] | select(.role == "id").name] == ["serial"]' last.json
holds "all: attempts are numbered" '.rows == 5 and ([.columns[].name] | index("attempt") != null)' all.json # the screws know first attempts only
same "all: first with first" "4.9 0.92" "$(cell part_all P002 press.Kraft) $(cell part_all P002 leak)"
ok "two stations, all attempts" $A data join pairs press leak --on serial --attempts all --json
holds "what has a partner" '.rows == 6'
same "in order" "4.9 3.2" "$(cell pairs P002 press.Kraft)"
same "attempt to attempt" "0.92 0.22" "$(cell pairs P002 leak)"
same "numbered" "1 2" "$(cell pairs P002 attempt)"
same "the second pressing of P005 was never tested" 1.5 "$(cell pairs P005 press.Kraft)"
ok "every combination, when asked for" $A data join square press leak --on serial --multiply --json
holds "has as many rows as there are combinations" '.rows == 10' # P001 P003 P006: 1; P002: 4; P005: 3
same "four of P002" "4.9 4.9 3.2 3.2" "$(cell square P002 press.Kraft)"
refuses "--multiply and one attempt contradict" 2 'nothing to multiply' $A data join part press leak --on serial --attempts last --multiply
ok "parts that a station lacks are kept when asked for" $A data join whole press leak screws --on serial --attempts last --parts all --json
holds "as many parts as there are serials, and the row without one" '.rows == 9'
same "with missing cells" "3.4 " "$(cell whole P004 press.Kraft) $(cell whole P004 leak)"
same "from the last table alone" "27.01 " "$(cell whole P007 1_torque) $(cell whole P007 press.Kraft)"
ok "with the rows each came from" $A data join traced press leak --on serial --attempts last --trace --json
same "of the file" "6 5" "$(cell traced P002 press.row) $(cell traced P002 leak.row)"

# ---- what does not fit ------------------------------------------------------------------------------------------------------------------------
refuses "row by row with other numbers of rows" 2 'press has 10 rows and leak has 7' $A data join part press leak --by-row
refuses "a key that a table lacks" 2 'leak' $A data join part press leak --on Zeit --attempts last
refuses "a misspelt table" 2 'press' $A data join part pres leak --on serial
refuses "neither key nor row" 2 'on' $A data join part press leak
printf 'serial,x\n0012,1\n0013,2\n0014,3\n' >zero.csv
printf 'serial,y\n12,1\n13,2\n0014,9\n' >plain.csv
ok "serials with zeroes" $A data import zero zero.csv --type serial=text
ok "and without" $A data import plain plain.csv --type serial=text
ok "are different parts" $A data join zp zero plain --on serial --json
holds "which is said" '.rows == 1 and (.join.notes | length == 1) and (.join.notes[0] | test("2 more parts would match"))'
printf 'serial,z\nX1,1\nX2,2\n' >none.csv
ok "another line's parts" $A data import none none.csv
refuses "have nothing in common" 2 'no part is in all' $A data join nothing press none --on serial --attempts last

# ---- keys of other names ----------------------------------------------------------------------------------------------------------------------
printf 'Seriennummer;Druck\nA1;1,5\nA2;2,5\nA3;3,5\n' >k1.csv
printf 'SerialNo,torque,n\nA2,7,0\nA1,8,1\nA3,9,0\n' >k2.csv
printf 'Serial,Seriennummer,fine\nA3,x,yes\nA1,y,no\nA2,z,no\n' >k3.csv
for k in 1 2 3; do ok "station $k" $A data import k$k k$k.csv; done
refuses "one name that a table lacks" 2 'k2: there is no column Seriennummer' $A data join k k1 k2 --on Seriennummer
says "with the column that holds the keys" 'SerialNo of k2 holds the same keys: --on Seriennummer=SerialNo ' "$out"
refuses "fewer names than tables" 2 'names 2 columns, and there are 3 tables' $A data join k k1 k2 k3 --on Seriennummer=SerialNo
refuses "a misspelt one" 2 'did you mean SerialNo' $A data join k k1 k2 --on Seriennummer=SeriaNo
ok "one name a table" $A data join k k1 k2 k3 --on Seriennummer=SerialNo=Serial --json
holds "the first stays" '.rows == 3 and ([.columns[] | [.name, .role]][0] == ["Seriennummer", "id"]) and ([.columns[].name] == ["Seriennummer","Druck","torque","n","k3.Seriennummer","fine"])'
$A data export k --out k.csv --quiet >/dev/null
same "part to part" "A2,2.5,7,0,z,no" "$(sed -n 3p k.csv)"

# ---- ready to train -----------------------------------------------------------------------------------------------------------------------------
ok "with a target" $A data join ready press leak screws --on serial --attempts first --target result --positive nok --json
holds "refused parts are the positive ones" '.positive == "nok" and .positives == 2 and .target == "result"'
finish
