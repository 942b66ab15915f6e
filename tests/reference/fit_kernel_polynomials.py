#!/usr/bin/env python3
"""Fits the polynomials of src/graph/math.inc: interpolation at Chebyshev points refined by Remez exchange, in 60 digits.

Prints, for each function and precision, the coefficients (lowest power first, hexadecimal) and the largest weighted error of the fit.
Needs mpmath. Usage: python3 fit_kernel_polynomials.py > kernel_polynomials.txt
"""
import struct

from mpmath import mp, mpf, matrix, lu_solve, cos, pi, log, erf, erfc, sin, sqrt, atanh, expm1

mp.dps = 60


def remez(function, weight, low, high, degree, rounds=12):
    """Coefficients c of the polynomial with the least maximum of weight(x) * |p(x) - function(x)| on [low, high]."""
    count = degree + 2
    low, high = mpf(low), mpf(high)
    nodes = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / count) for i in range(count)]
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / 1500) for i in range(1500)]
    values = [(x, function(x), weight(x)) for x in grid]
    best = None
    for _ in range(rounds):
        a, b = matrix(count, count), matrix(count, 1)
        for i, x in enumerate(nodes):
            power = mpf(1)
            for j in range(degree + 1):
                a[i, j] = power
                power *= x
            a[i, degree + 1] = (-1) ** i / weight(x)
            b[i] = function(x)
        solution = lu_solve(a, b)
        c = [solution[j] for j in range(degree + 1)]
        errors = []
        for x, y, w in values:
            p = mpf(0)
            for q in reversed(c):
                p = p * x + q
            errors.append(w * (p - y))
        worst = max(abs(e) for e in errors)
        if best is None or worst < best[0]:
            best = (worst, c)
        peaks, i = [], 0
        while i < len(errors):  # one extremum a run of equal sign
            j = i
            top = i
            while j < len(errors) and (errors[j] > 0) == (errors[i] > 0):
                if abs(errors[j]) > abs(errors[top]):
                    top = j
                j += 1
            peaks.append(top)
            i = j
        if len(peaks) < count:
            break
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        nodes = [grid[i] for i in peaks]
    return best


def show(name, degrees, function, weight, low, high):
    for bits, degree in degrees.items():
        error, c = remez(function, weight, low, high, degree)
        print(f"{name} f{bits} degree {degree}: largest error {mp.nstr(error, 3)}")
        if bits == 32:
            print("    " + ", ".join(struct.unpack("f", struct.pack("f", float(v)))[0].hex().replace("0000000p", "p") + "f" for v in c))
        else:
            print("    " + ", ".join(float(v).hex() for v in c))


half = log(mpf(2)) / 2 + mpf(10) ** -3


def q_exp(r):
    return mpf(1) / 2 + r / 6 + r * r / 24 if abs(r) < mpf(10) ** -15 else (expm1(r) - r) / (r * r)


def r_log(z):
    s = sqrt(z)
    return mpf(2) / 3 + 2 * z / 5 if z < mpf(10) ** -20 else (2 * atanh(s) - 2 * s) / (s * z)


show("exp: (expm1(r) - r) / r^2", {32: 4, 64: 10}, q_exp, lambda r: abs(r) + mpf(10) ** -6, -half, half)
s_top = (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1) + mpf(10) ** -4
show("log: (2 atanh(s) - 2 s) / s^3 in z = s^2", {32: 3, 64: 7}, r_log, lambda z: z + mpf(10) ** -9, 0, s_top ** 2)
show("log1p: the same for s <= 1/3", {32: 4, 64: 13}, r_log, lambda z: z + mpf(10) ** -9, 0, mpf(1) / 9 + mpf(10) ** -6)


def erf_over_x(z):
    x = sqrt(z)
    return 2 / sqrt(pi) * (1 - z / 3) if z < mpf(10) ** -20 else erf(x) / x


split = mpf(1)
show("erf: erf(x) / x in z = x^2, x <= 1", {32: 6, 64: 13}, erf_over_x, lambda z: 1 / erf_over_x(z), 0, split ** 2)
# 1 - erf = exp(-p); the error of erf is erfc times the error of p
for top, degrees in ((4, {32: 7}), (6, {64: 19})):  # t = 0 where erfc is largest, so that rounding is smallest there
    show(f"erf: -log(erfc(x)) in t = x - 1, 1 <= x <= {top}", degrees, lambda t: -log(erfc(t + 1)), lambda t: erfc(t + 1), 0, top - 1)


def sin_over(z):
    t = sqrt(z)
    return pi / 2 - (pi / 2) ** 3 / 6 * z if z < mpf(10) ** -20 else sin(pi / 2 * t) / t


show("sine of a quarter turn: sin(pi/2 t) / t in t^2, t <= 1/2", {32: 4, 64: 7}, sin_over, lambda z: 1, 0, mpf(1) / 4)
show("cosine of a quarter turn in t^2, t <= 1/2", {32: 4, 64: 8}, lambda z: cos(pi / 2 * sqrt(z)), lambda z: 1, 0, mpf(1) / 4)

print("ln 2 =", float(log(mpf(2))).hex())
for bits, keep in ((32, 12), (64, 32)):
    high_part = mpf(int(log(mpf(2)) * 2 ** keep)) / 2 ** keep
    print(f"ln 2 high f{bits}", float(high_part).hex(), "low", float(log(mpf(2)) - high_part).hex())
