/* help_program.c - help for programs, made from the tables of acts and parameters: JSON, completion for bash, a page for man(1). */
#include "cli/cli.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON ------------------------------------------------------------------------------------------------------------------------------
 */

static json_t *params_json(const an_act *act, const an_param *table)
{
    static const char *const type[] = { "integer", "number", "boolean", "choice", "text", "list" };
    json_t *all = json_array();
    for (const an_param *p = table; p && p->name; p++) {
        char name[64];
        an__flag_name(p->name, name);
        bool positional = act && an__is_positional(act, p->name), number = p->type == AN_PARAM_INT || p->type == AN_PARAM_REAL;
        json_t *one = json_pack("{s:s, s:s, s:s, s:o}", "name", positional ? p->name : name, "type", type[p->type], "doc", p->doc, "flag",
                                json_boolean(!positional));
        if (number) {
            json_object_set_new(one, "low", an_json_real(p->low));
            json_object_set_new(one, "high", an_json_real(p->high));
        }
        if (p->choices) {
            an_list choices = { 0 };
            an_list_split(&choices, p->choices, '|');
            json_t *names = json_array();
            for (size_t i = 0; i < choices.count; i++) json_array_append_new(names, json_string(choices.items[i]));
            json_object_set_new(one, "choices", names);
            an_list_free(&choices);
        }
        json_t *otherwise = p->type == AN_PARAM_BOOL  ? json_boolean(p->otherwise != 0)
                            : p->type == AN_PARAM_INT ? json_integer((json_int_t)p->otherwise)
                            : number                  ? an_json_real(p->otherwise)
                            : p->text                 ? json_string(p->text)
                                                      : json_null();
        json_object_set_new(one, "default", otherwise);
        json_array_append_new(all, one);
    }
    return all;
}

static json_t *act_json(const an_act *act)
{
    json_t *examples = json_array();
    for (size_t i = 0; i < AN_COUNT(act->examples); i++)
        if (act->examples[i]) json_array_append_new(examples, json_string(act->examples[i]));
    return json_pack("{s:s, s:s, s:s, s:s?, s:o, s:o}", "name", act->name, "args", act->args ? act->args : "", "doc", act->doc, "more",
                     act->more, "parameters", params_json(act, act->params), "examples", examples);
}

bool an__help_json(const char *group, const an_act *act, FILE *out)
{
    size_t count, n = group ? strlen(group) : 0;
    const an_command *commands = an__commands(&count);
    json_t *chosen = json_array();
    for (size_t i = 0; i < count; i++) {
        const an_act *a = commands[i].act;
        bool wanted = act ? a == act : !group || (!strncmp(a->name, group, n) && a->name[n] == ' ');
        if (wanted) json_array_append_new(chosen, act_json(a));
    }
    bool any = json_array_size(chosen) > 0;
    json_t *all = json_pack("{s:s, s:o, s:o}", "version", an_version(), "commands", chosen, "common", params_json(NULL, an__common_params));
    if (any) {
        char *text = an_json_text(all, true);
        fprintf(out, "%s\n", text);
        free(text);
    }
    json_decref(all);
    return any;
}

/* ---- completion ------------------------------------------------------------------------------------------------------------------------
 */

/* The first words of commands, each once. */
static void first_words(an_list *words, bool groups_only)
{
    size_t count;
    const an_command *commands = an__commands(&count);
    for (size_t i = 0; i < count; i++) {
        size_t n = strcspn(commands[i].act->name, " ");
        if (groups_only && !commands[i].act->name[n]) continue;
        char *word = an_strndup(commands[i].act->name, n);
        bool there = false;
        for (size_t k = 0; k < words->count; k++) there |= !strcmp(words->items[k], word);
        if (!there) an_list_add(words, word);
        free(word);
    }
}

void an__help_completion(FILE *out)
{
    size_t count;
    const an_command *commands = an__commands(&count);
    fprintf(out, "# bash completion for andon: source this file, or put it into bash-completion's folder\n_andon() {\n"
                 "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" line=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" words=\"\"\n  case \"$line\" in\n");
    for (size_t i = 0; i < count; i++) {
        const an_act *act = commands[i].act;
        fprintf(out, "    '%s'*) words=\"", act->name);
        char name[64];
        for (const an_param *p = act->params; p && p->name; p++)
            if (!an__is_positional(act, p->name)) an__flag_name(p->name, name), fprintf(out, "--%s ", name);
        for (const an_param *p = an__common_params; p->name; p++) an__flag_name(p->name, name), fprintf(out, "--%s ", name);
        fprintf(out, "\" ;;\n");
    }
    an_list groups = { 0 }, words = { 0 };
    first_words(&groups, true);
    for (size_t g = 0; g < groups.count; g++) {
        fprintf(out, "    '%s') words=\"", groups.items[g]);
        size_t n = strlen(groups.items[g]);
        for (size_t i = 0; i < count; i++)
            if (!strncmp(commands[i].act->name, groups.items[g], n) && commands[i].act->name[n] == ' ')
                fprintf(out, "%s ", commands[i].act->name + n + 1);
        fprintf(out, "\" ;;\n");
    }
    fprintf(out, "    '') words=\"");
    first_words(&words, false);
    for (size_t i = 0; i < words.count; i++) fprintf(out, "%s ", words.items[i]);
    fprintf(out, "\" ;;\n  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen "
                 "-f -- \"$cur\"))\n}\n"
                 "complete -F _andon andon\n");
    an_list_free(&groups);
    an_list_free(&words);
}

/* ---- man(1) ----------------------------------------------------------------------------------------------------------------------------
 */

/* Text as roff takes it: a backslash and a hyphen mean themselves, a line never begins with a request. */
static void roff(FILE *out, const char *text)
{
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\'')) fputs("\\&", out);
        begins = *text == '\n';
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\n')
            fputs("\n.br\n", out);
        else
            fputc(*text, out);
    }
}

static void man_params(const an_act *act, const an_param *table, FILE *out)
{
    for (const an_param *p = table; p && p->name; p++) {
        char name[64], range[160];
        bool positional = act && an__is_positional(act, p->name);
        an__flag_name(p->name, name);
        fputs(positional ? ".TP\n.I " : ".TP\n.B \\-\\-", out);
        roff(out, name);
        fputc('\n', out);
        roff(out, p->doc);
        if (!positional && p->type != AN_PARAM_BOOL) {
            fputs(" (", out);
            roff(out, an_param_range_text(p, range));
            fputs(")", out);
        }
        fputc('\n', out);
    }
}

void an__help_man(FILE *out)
{
    size_t count;
    const an_command *commands = an__commands(&count);
    fprintf(
        out,
        ".TH ANDON 1 \"\" \"andon %s\" \"User Commands\"\n.SH NAME\nandon \\- from a plant\\(aqs raw signals to a model that people trust\n"
        ".SH SYNOPSIS\n.B andon\n.I COMMAND\n[\\fINAME\\fR] [\\fB\\-\\-flag\\fR \\fIvalue\\fR] ...\n"
        ".SH DESCRIPTION\nA command works in the nearest workspace upwards, a folder that\n.B andon init\nmade. Results go to "
        "standard output, progress and messages to standard error.\n"
        ".SH \"EVERY COMMAND TAKES\"\n",
        an_version());
    man_params(NULL, an__common_params, out);
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < count; i++) {
        const an_act *act = commands[i].act;
        fputs(".SS \"andon ", out);
        roff(out, act->name);
        if (act->args) fputc(' ', out), roff(out, act->args);
        fputs("\"\n", out);
        roff(out, act->doc);
        fputs(".\n", out);
        if (act->more) {
            fputs(".PP\n", out);
            roff(out, act->more);
            fputc('\n', out);
        }
        man_params(act, act->params, out);
        for (size_t k = 0; k < AN_COUNT(act->examples); k++)
            if (act->examples[k]) {
                fputs(".PP\n.nf\n", out);
                roff(out, act->examples[k]);
                fputs("\n.fi\n", out);
            }
    }
    fputs(".SH \"EXIT STATUS\"\n0 done, 1 the work failed, 2 wrong usage or bad input, 3 a gate said no, 130 interrupted.\n"
          ".SH ENVIRONMENT\n.TP\n.B ANDON_WORKSPACE\nthe workspace, where \\-\\-workspace names none\n"
          ".SH FILES\n.TP\n.I andon.yaml\nsettings of a workspace\n.TP\n.I .andon/\nits database, artifacts and journal\n",
          out);
}
