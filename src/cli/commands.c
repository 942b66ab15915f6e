/* commands.c - which function prints the result of which act. */
#include "cli/cli.h"

#include "andon/serve.h"

#include <string.h>

static const struct {
    const char *name;
    an_show show;
} shows[] = {
    { "init", an__show_text },
    { "demo gearbox", an__show_text },
    { "sim gearbox", an__show_text },
    { "data import", an__show_import },
    { "data show", an__show_import },
    { "data list", an__show_list },
    { "data profile", an__show_profile },
    { "data split", an__show_split },
    { "data export", an__show_text },
    { "data join", an__show_import },
    { "data pivot", an__show_import },
    { "data schema", an__show_text },
    { "data diff", an__show_text },
    { "data check", an__show_text },
    { "data select", an__show_text },
    { "synth fit", an__show_generator },
    { "synth show", an__show_generator },
    { "synth judge", an__show_judge },
    { "synth compare", an__show_judges },
    { "synth list", an__show_list },
    { "synth sample", an__show_text },
    { "synth export", an__show_text },
    { "synth import", an__show_generator },
    { "model train", an__show_model },
    { "model evaluate", an__show_model },
    { "model threshold", an__show_model },
    { "model show", an__show_model },
    { "model list", an__show_list },
    { "model explain", an__show_explain },
    { "model predict", an__show_text },
    { "model export", an__show_text },
    { "model import", an__show_text },
    { "model alias", an__show_text },
    { "compare", an__show_compare },
    { "run", an__show_run },
    { "runs list", an__show_runs },
    { "runs show", an__show_run },
    { "lineage", an__show_lineage },
    { "report", an__show_text },
    { "doctor", an__show_doctor },
    { "serve", an__show_text },
    { "load", an__show_text },
    { "journal list", an__show_journal },
    { "journal export", an__show_text },
};

enum { COMMANDS_MAX = 128 };

const an_command *an__commands(size_t *count)
{
    static an_command commands[COMMANDS_MAX]; /* filled once, before any thread starts; then constant */
    static size_t filled;
    if (!filled) {
        size_t count_of[2];
        const an_act *const *const rooms[2] = { an_acts(&count_of[0]), an_serve_acts(&count_of[1]) };
        for (size_t r = 0; r < 2; r++)
            for (size_t i = 0; i < count_of[r] && filled < COMMANDS_MAX; i++) {
                size_t at = 0; /* a room may put something around an act of a room above: the same name takes its place */
                while (at < filled && strcmp(commands[at].act->name, rooms[r][i]->name)) at++;
                an_command *c = &commands[at];
                filled += at == filled;
                c->act = rooms[r][i];
                for (size_t k = 0; k < AN_COUNT(shows); k++)
                    if (!strcmp(shows[k].name, c->act->name)) c->show = shows[k].show;
            }
    }
    *count = filled;
    return commands;
}
