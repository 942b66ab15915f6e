/* help.c - help for people, made from the tables of acts and parameters; for programs: help_program.c. */
#include "cli/cli.h"

#include <string.h>

/* Paragraphs, broken between words. */
static void wrapped(FILE *out, const char *text, size_t width)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        while (n > width) {
            size_t cut = width;
            while (cut && text[cut] != ' ') cut--;
            if (!cut) cut = strcspn(text, " \n"); /* one long word */
            fprintf(out, "%.*s\n", (int)cut, text);
            text += cut + (text[cut] == ' ');
            n = strcspn(text, "\n");
        }
        fprintf(out, "%.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

void an__flag_name(const char *name, char out[64])
{
    size_t i = 0;
    for (; i < 63 && name[i]; i++) out[i] = name[i] == '_' ? '-' : name[i];
    out[i] = 0;
}

bool an__is_positional(const an_act *act, const char *name)
{
    for (const char *at = act->args ? act->args : ""; *at;) {
        size_t n = strcspn(at, " "), start = at[0] == '[';
        size_t len = strcspn(at + start, " .]|");
        if (strlen(name) == len && !strncasecmp(at + start, name, len)) return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

static void print_params(const an_act *act, const an_param *table, FILE *out)
{
    for (const an_param *p = table; p && p->name; p++) {
        if (act && an__is_positional(act, p->name)) continue;
        char name[64], range[160];
        an__flag_name(p->name, name);
        fprintf(out, "  --%-18s %s\n", name, p->doc);
        if (p->type != AN_PARAM_BOOL) fprintf(out, "    %-18s %s\n", "", an_param_range_text(p, range));
    }
}

void an__help_act(const an_act *act, FILE *out)
{
    fprintf(out, "andon %s - %s\n\nusage: andon %s%s%s [--flag value]\n", act->name, act->doc, act->name, act->args ? " " : "",
            act->args ? act->args : "");
    if (act->more) {
        fputc('\n', out);
        wrapped(out, act->more, 120);
    }
    fprintf(out, "\nparameters:\n");
    for (const an_param *p = act->params; p && p->name; p++)
        if (an__is_positional(act, p->name)) fprintf(out, "  %-20s %s\n", p->name, p->doc);
    print_params(act, act->params, out);
    fprintf(out, "\nevery command also takes:\n");
    print_params(NULL, an__common_params, out);
    if (act->examples[0]) fprintf(out, "\nexamples:\n");
    for (size_t i = 0; i < AN_COUNT(act->examples); i++)
        if (act->examples[i]) fprintf(out, "  %s\n", act->examples[i]);
}

static void line(const an_act *act, FILE *out)
{
    char head[80];
    snprintf(head, sizeof head, "%s %s", act->name, act->args ? act->args : "");
    fprintf(out, "  %-34s %s\n", head, act->doc);
}

void an__help_all(FILE *out)
{
    size_t count;
    const an_command *commands = an__commands(&count);
    fprintf(out, "andon %s - from a plant's raw signals to a model that people trust\n\nusage: andon COMMAND [NAME] [--flag value]\n\n",
            an_version());
    for (size_t i = 0; i < count; i++) line(commands[i].act, out);
    fprintf(out, "\n'andon COMMAND --help' explains one. First time here? 'andon demo gearbox' shows a whole line on simulated data.\n"
                 "Every command: --json --quiet --seed N --threads N --workspace DIR --fresh\n"
                 "exit: 0 done, 1 the work failed, 2 wrong usage or bad input, 3 a gate said no, 130 interrupted\n");
}

bool an__help_group(const char *word, FILE *out)
{
    size_t count, n = strlen(word);
    const an_command *commands = an__commands(&count);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const char *name = commands[i].act->name;
        if (strncmp(name, word, n) || name[n] != ' ') continue;
        if (!any) fprintf(out, "usage: andon %s COMMAND [--flag value]\n\n", word);
        any = true;
        line(commands[i].act, out);
    }
    return any;
}
