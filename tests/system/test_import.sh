# test_import.sh - plant files as they are: what an import shows and decides, dry runs, refused rows, appending, schemas, lines, bad input.
. "$(dirname "$0")/lib.sh"
need jq
need awk
workspace
A=$ANDON
M=$ANDON_SOURCE/tests/table/messy

# ---- dialect ------------------------------------------------------------------------------------------------------------------------------
ok "an MES export is read" $A data import mes "$M/mes.csv" --id Serial --json
holds "its dialect is told" '.dialect | .delimiter == "semicolon" and .decimal == "," and .thousands == "." and .encoding == "cp1252" and .header_row == 4 and .units_row == 5 and .totals == 1'
holds "units go to the columns" '(.columns[] | select(.name == "Kraft").unit) == "N"'
holds "what was left out is a warning" '.warnings | any(contains("--keep-totals")) and any(contains("--header-row 4"))'
ok "people see one line" $A data import mes2 "$M/mes.csv" --id Serial
says "with the flag that forces each" 'read .*mes.csv: semicolon between fields .--delimiter., decimal , .--decimal., thousands \. .--thousands., cp1252 .--encoding., header in line 4 .--header-row., units in line 5 .--units-row.'
refuses "a date of two readings" 2 'column checked.*2026-04-03 .day first. or 2026-03-04 .month first.' $A data import d "$M/ambiguous_date.csv"
ok "is read by a format" $A data import d "$M/ambiguous_date.csv" --date-format %d/%m/%Y
refuses "a number of two readings" 2 '"1.204" may be 1204 or 1.204' $A data import n "$M/ambiguous_number.csv"
ok "is read by a decimal mark" $A data import n "$M/ambiguous_number.csv" --decimal .
ok "a code for missing is told" $A data import sep "$M/sep.csv" --json
holds "with the flag" '.warnings | any(contains("temp") | not) and (map(select(startswith("pressure"))) | length) <= 1'
printf 'a,b\n1,5\n2,-999\n3,6\n4,-999\n' >codes.csv
ok "codes" $A data import codes codes.csv --json
holds "are told, not decided" '(.warnings | any(contains("--missing \"-999\""))) and ([.columns[].missing] == [0, 0])'
printf 'columns:\n  b: {sentinels: [-999]}\n' >codes.yaml
ok "a schema decides" $A data import codes codes.csv --schema codes.yaml --json
holds "and then it is not told" '(.warnings | any(contains("--missing")) | not) and ([.columns[].missing] == [0, 2])'

ok "a header is forced" $A data import forced "$M/mes.csv" --header-row 4 --units-row --json
holds "with its units" '.dialect | .header_row == 4 and .units_row == 5'
ok "totals are kept when asked for" $A data import kept "$M/mes.csv" --keep-totals --no-units-row --type Serial=text --missing "Summe:" --dry-run --json
holds "they are rows" '.dialect | .totals == 0 and .units_row == null'
flags=$($A data import --help | grep -oE -- '--[a-z][a-z-]+' | sort -u)
named=$({ cat "$ANDON_SOURCE"/src/table/{csv,xlsx}*.c "$ANDON_SOURCE"/src/table/{read,audit,assign,codes}.c "$ANDON_SOURCE/src/flow/step_import.c" | grep -oE '"([^"\\]|\\.)*"'
    sed -n '/^## 1/,/^## 2/p' "$ANDON_SOURCE/docs/own-data.md" | grep -vE 'data (profile|export|show|schema|join)|--attempts|--on'; } | grep -oE -- '--[a-z][a-z-]+' | grep -vxE -- '--attempts|--lines' | sort -u)
is "messages and pages name flags" "$(echo "$named" | wc -l)" -ge 25
for flag in $named; do
    is "$flag is a flag of data import" -n "$(echo "$flags" | grep -x -- "$flag")"
done
for flag in --header-row --units-row --no-units-row --keep-totals; do
    is "$flag is one of model predict, too" -n "$($A model predict --help | grep -oE -- '--[a-z][a-z-]+' | grep -x -- "$flag")"
done
printf 'f;ok\n1.234;0\n1,234;1\n' >both.csv
refuses "two marks of which either may be the decimal one" 2 '"1,234" may be 1234 or 1.234, and "1.234" in line 2 1.234 or 1234' $A data import both both.csv
says "with the flags of both readings" '--decimal \. --thousands , reads 1234 and 1.234; --decimal , --thousands \. reads 1.234 and 1234' "$out"
ok "a column of text is no question" $A data import both both.csv --type f=text
printf 'x;y\n1 200,5;0\n12 300;1\n4,5;2\n' >blank.csv
ok "a blank between thousands" $A data import blank blank.csv --json
holds "is told" '.dialect.thousands == "space" and .dialect.decimal == "," and .columns[0].type == "real"'
ok "and forced by the word that is told" $A data import blank blank.csv --thousands space --json
holds "the same" '.dialect.thousands == "space"'

# ---- dry run, rows that cannot be read ---------------------------------------------------------------------------------------------------------
ok "a dry run" $A data import dry "$M/mes.csv" --dry-run --json
holds "shows the first rows" '.dry_run and .version == null and (.first_rows | length) == 5 and .first_rows[0][0] == "000123"'
ok "and for people" $A data import dry "$M/mes.csv" --dry-run
says "nothing is stored" 'nothing is stored'
refuses "and nothing is" 2 'dry' $A data show dry
printf 'id,x,y\n1,2,3\n2,x\n3,4,5,6\n4,"5,6\n5,7,8\n' >bad.csv
refuses "a ragged row" 2 'line 3 has 2 fields' $A data import bad bad.csv
ok "is left out on demand" $A data import bad bad.csv --skip-bad refused.csv --json
holds "and counted" '.rows == 2 and .dialect.skipped == 3 and (.warnings | any(contains("refused.csv")))'
same "with line and reason" "$(cut -d, -f1 refused.csv | tr '\n' ' ')" "line 3 4 5 "
rm refused.csv
ok "again" $A data import bad bad.csv --skip-bad refused.csv
is "the file is written again" -s refused.csv

# ---- several files, appending, lines ---------------------------------------------------------------------------------------------------------------
printf 'serial,torque\nP1,1.5\nP2,2\nP3,1.75\n' >april.csv
printf 'serial,torque\nP3,1.75\nP4,2.25\nP1,9\nP5,3\n' >may.csv
printf 'serial,torqe\nP9,1\n' >june.csv
ok "two files in one import" $A data import both april.csv may.csv --id serial --json
holds "stand below each other" '.rows == 7 and (.files | length) == 2'
holds "a serial twice with different values is told with its lines" '.warnings | any(test("P1 \\(april.csv:2 and may.csv:4\\)"))'
refuses "other columns are no rows below" 2 'june.csv below april.csv.*torqe' $A data import both april.csv june.csv
refuses "nothing to append to" 2 'nobody|no data' $A data import press april.csv --append
ok "the first month" $A data import press april.csv --id serial
ok "the second" $A data import press may.csv --append --json
holds "adds what is new" '.rows == 5 and .append.rows_added == 2 and .append.rows_known == 2 and .append.conflict_count == 1'
holds "and lists the conflict with both places" '.append.conflicts[0] | .id == "P1" and .from == "may.csv:4" and .against_from == "april.csv:2" and .columns == ["torque"]'
id=$(jq -r .id "$out")
ok "the same month again" $A data import press may.csv --append --json
holds "changes nothing" ".existed and .id == \"$id\" and .version == 2"
refuses "a month with other columns" 2 'lack torque.*have torqe' $A data import press june.csv --append
printf 'serial,torque,ok\nP1,1.5,OK\nP2,2,NOK\nP3,1.75,OK\nP4,2,NOK\nP5,3,\nP6,4,\n' >open.csv
printf 'serial,torque,ok\nP5,3,OK\nP6,4.5,NOK\nP1,1.5,\nP7,1,\n' >labels.csv
ok "parts without a label" $A data import late open.csv --id serial --target ok
ok "and the labels later" $A data import late labels.csv --append --json
holds "are filled in" '.append | .filled == 1 and .cells_filled == 1 and .rows_added == 1 and .fills[0].id == "P5" and .fills[0].columns == ["ok"]'
holds "other values stay a conflict, and a label that lacks is none" '.append | .conflict_count == 1 and .conflicts[0].id == "P6" and .conflicts[0].columns == ["torque"]'
holds "which is said" '.warnings | any(startswith("1 row had cells missing that are filled now"))'
ok "the row" $A data show late --row 5 --json
holds "came from both lines" '.cells.ok == "OK" and .from == "open.csv:6; labels.csv:2"'
refuses "roles with --append" 2 'takes roles' $A data import press may.csv --append --target torque
ok "a row knows its line" $A data show press --row 5 --json
holds "the last one" '.from == "may.csv:5" and .cells.serial == "P5"'
printf 'serial,angle\nP1,10\nP5,30\nP7,1\n' >angle.csv
printf 'serial,screw,depth\nP1,1,5\nP1,2,6\nP5,1,7\nP5,2,8\n' >screws.csv
ok "a second station" $A data import angle angle.csv --id serial
ok "joined" $A data join line press angle --on serial --json
holds "without a trace in the columns" '[.columns[].name] == ["serial", "torque", "angle"]'
ok "with lines" $A data export line --lines --out line.csv
same "of both files" "$(cut -d, -f4 line.csv | tr '\n' ' ')" "_from april.csv:2; angle.csv:2 may.csv:5; angle.csv:3 "
ok "screws" $A data import screws screws.csv
ok "pivoted" $A data pivot parts screws --on serial --names screw --values depth
ok "with lines, too" $A data export parts --lines --out parts.csv
same "several a part" "$(cut -d, -f4- parts.csv | tr '\n' ' ')" "_from screws.csv:2-3 screws.csv:4-5 "
cp april.csv renamed.csv
ok "the same rows under another name" $A data import press2 renamed.csv --id serial --json
first=$(jq -r .id "$out")
ok "are the same content" $A data show press/1 --json
holds "with another file" ".id == \"$first\" and .sources[0].name == \"april.csv\""

# ---- schema ----------------------------------------------------------------------------------------------------------------------------------------
printf 'columns:\n  serial: {role: id}\n  torque: {unit: N.m, from: in, sentinels: [9]}\n' >wrong.yaml
refuses "a unit that cannot be converted" 2 'wrong.yaml.*torque' $A data import s april.csv --schema wrong.yaml
printf 'columns:\n  serial: {role: id}\n  torque: {unit: mm, from: in, sentinels: [9]}\n' >schema.yaml
ok "a schema at import" $A data import s april.csv may.csv --schema schema.yaml --json
holds "converts and blanks" '(.columns[1].unit == "mm") and .columns[1].missing == 1 and (.columns[0].role == "id")'
printf 'serial,torque\nP8,9\nP9,1\n' >july.csv
ok "an append does the same to new rows" $A data import s july.csv --append --json
ok "shown" $A data show s --row 9 --json
holds "in the unit of the data set" '.cells.torque == "25.4"'
printf 'columns:\n  torqe: {unit: mm}\n' >absent.yaml
refuses "a schema that contradicts the file" 2 'absent.yaml.*no column torqe' $A data import s april.csv --schema absent.yaml
printf 'columns:\n  serial: {type: integer}\n' >type.yaml
refuses "a type that does not fit" 2 'type.yaml.*serial' $A data import s april.csv --schema type.yaml
printf 'a,b\n1,2\n2,3\n' >ab.csv
printf 'constraints:\n  - a < b\n  - b < a\n' >circle.yaml
refuses "circular constraints" 2 'circle.yaml.*circle' $A data import s ab.csv --schema circle.yaml

# ---- files that are no tables --------------------------------------------------------------------------------------------------------------------------
D=$ANDON_SOURCE/tests/table/data
refuses "an encrypted workbook" 2 'encrypted' $A data import x "$D/encrypted.xlsx"
refuses "a damaged workbook" 2 'damaged' $A data import x "$D/damaged.xlsx"
ok "merged cells" $A data import x "$D/merged.xlsx" --json
holds "are told" '.warnings | any(contains("merged"))'
refuses "two tables on a sheet" 2 'second table' $A data import x "$M/two_tables.xlsx"
says "the way out" 'separate tables' "$out"
refuses "two encodings" 2 'two encodings' $A data import x "$M/two_encodings.csv"
refuses "nested Parquet" 2 'nest' $A data import x "$D/nested_struct.parquet"
{ printf 'a,b\n1,' && head -c 1048576 /dev/zero | tr '\0' x; } >line.csv
truncate -s 4G line.csv
start=$SECONDS
refuses_plain "a line of 4 GB" 2 'zero byte|longer than' $A data import x line.csv
is "does not take for ever" $((SECONDS - start)) -lt 60
rm line.csv
head -c 71303168 /dev/zero | tr '\0' 'x' >one.csv
refuses_plain "a file of one long line" 2 'longer than' $A data import x one.csv
rm one.csv

# ---- larger than memory -----------------------------------------------------------------------------------------------------------------------------------
awk 'BEGIN { s = "1"; for (j = 2; j <= 100; j++) s = s ",1"; h = "c1"; for (j = 2; j <= 100; j++) h = h ",c" j; print h; for (i = 0; i < 300000; i++) print s }' >large.csv
if (ulimit -v 330000 && $A --version) >/dev/null 2>&1; then
    (ulimit -v 330000 && $A data import large large.csv >"$out" 2>&1)
    same "a table larger than memory is refused" $? 1
    says "with the arithmetic" '30000[0-2] rows x 100 columns x 8.0 bytes a cell are 0.2 GB, and .* GB of memory are free'
    says "and the advice" '--sample'
fi
ok "a sample is read" $A data import sample large.csv --sample 1000 --json
holds "of so many rows" '.rows == 1000'
finish
