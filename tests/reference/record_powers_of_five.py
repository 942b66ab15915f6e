"""Writes src/table/powers.h: the 128 most significant bits of 5^q for q = -342 .. 308, exact integer arithmetic.

Needed by the decimal-to-double conversion of D. Lemire, Number parsing at a gigabyte per second (2021), section 5 (eqs. for the
truncated product): powers with q >= 0 are truncated, reciprocals (q < 0) are rounded up.
usage: python3 tests/reference/record_powers_of_five.py > src/table/powers.h
"""


def power(q):
    if q >= 0:
        value = 5**q
        shift = 128 - value.bit_length()
        return value << shift if shift >= 0 else value >> -shift
    value = 5**-q
    # smallest b with 2^b / 5^-q >= 2^127, rounded up
    b = value.bit_length() + 127
    return 2**b // value + 1 if 2**b // value + 1 < 2**128 else (2**b // value + 1) >> 1


print("/* powers.h - the 128 leading bits (high word, low word) of 5^q, q = -342 .. 308; written by tests/reference/record_powers_of_five.py */")
print("static const uint64_t powers_of_five[651][2] = {")
row = []
for q in range(-342, 309):
    p = power(q)
    assert 2**127 <= p < 2**128, q
    row.append("{ 0x%016x, 0x%016x }" % (p >> 64, p & (2**64 - 1)))
    if len(row) == 3:
        print("    " + ", ".join(row) + ",")
        row = []
print("};")
