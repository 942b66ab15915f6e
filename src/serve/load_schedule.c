/* load_schedule.c - when requests are due. Nothing here looks at a clock or at answers: that is what makes the load open.
 *
 * Evenly: there is a grid of times i / rate; point i belongs to user i mod users, and counts once that user has joined. So each user sends
 * rate / users a second, and all of them together `rate`, evenly, whatever their number.
 * Poisson: points of a process of that rate, each given to a user by chance and dropped while the user has not joined (thinning: Lewis and
 * Shedler 1979, section 2), which is a Poisson process whose rate follows the number of users.
 */
#include "serve/load.h"

#include <math.h>

static double joins(const an__load_plan *p, uint64_t user)
{
    return p->ramp_s * (double)user / (double)p->users;
}

int64_t an__load_users(const an__load_plan *p, double at)
{
    if (!(p->ramp_s > 0)) return p->users;
    double n = floor(at / p->ramp_s * (double)p->users + 1e-9) + 1;
    return n < 1 ? 0 : n > (double)p->users ? p->users : (int64_t)n;
}

void an__schedule_init(an__schedule *s, const an__load_plan *plan)
{
    *s = (an__schedule){ .plan = *plan, .rng = an_rng_at(plan->seed, 0) };
}

double an__schedule_next(an__schedule *s)
{
    const an__load_plan *p = &s->plan;
    for (;;) {
        uint64_t user;
        if (p->poisson) {
            s->at += -log1p(-an_rng_uniform(&s->rng)) / p->rate;
            user = an_rng_below(&s->rng, (uint64_t)p->users);
        } else {
            s->at = (double)s->tick / p->rate;
            user = s->tick++ % (uint64_t)p->users;
        }
        if (s->at >= joins(p, user)) return s->at;
    }
}
