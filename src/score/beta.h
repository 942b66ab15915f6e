/* beta.h - the regularised incomplete beta function and its inverse, shared by the files of this room. */
#ifndef ANDON_SCORE_BETA_H
#define ANDON_SCORE_BETA_H

/* Both tails of I_x(a, b), each to nearly full relative precision: *lower + *upper = 1. a, b > 0; x and y = 1 - x in [0, 1]. */
void an__beta_tails(double x, double y, double a, double b, double *lower, double *upper);

/* x (and y = 1 - x) with I_x(a, b) = lower, where upper = 1 - lower; whichever of the two is small keeps its relative precision. */
void an__beta_inverse(double lower, double upper, double a, double b, double *x, double *y);

#endif
