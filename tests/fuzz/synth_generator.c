/* synth_generator.c - foreign generator.json beside the sound other files of its kind: whatever it says, it is refused with a reason or
 * gives a generator that draws rows. */
#include "andon/synth.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char *folder;

static void drop_folder(void)
{
    an_folder_remove(folder, NULL);
    free(folder);
}

static an_table *parts(void)
{
    static const char text[] =
        "force,count,kind,broken\n41.5,3,A,1\n40.25,5,B,1\n44,3,A,1\n39.75,4,B,0\n38.5,4,A,0\n37,6,B,0\n38.25,5,A,0\n36.5,4,B,0\n";
    an_error err = { 0 };
    an_table *t = an_csv_parse(text, sizeof text - 1, "parts", NULL, NULL, NULL, &err);
    an_column *target = t ? an_table_find(t, "broken") : NULL, *kind = t ? an_table_find(t, "kind") : NULL;
    if (!target || !kind) abort();
    target->role = AN_TARGET;
    t->positive = an_strdup("1");
    if (kind->type != AN_CATEGORY) kind->role = AN_IGNORED;
    return t;
}

static const char *const kinds[] = { "wgan-filter", "wgan", "smote" };

/* A folder a kind, with what it saved: generator.safetensors, or bank.safetensors, table.bin and schema.json; and train_keys.bin. */
static void prepare(void)
{
    folder = an_strdup("/tmp/andon-fuzz-XXXXXX");
    if (!mkdtemp(folder)) abort();
    atexit(drop_folder);
    an_table *t = parts();
    for (size_t i = 0; i < AN_COUNT(kinds); i++) {
        an_error err = { 0 };
        json_t *options = json_pack("{s:i, s:i, s:i, s:i, s:i}", "steps", 2, "width", 8, "noise", 2, "batch", 4, "check_every", 2);
        char *own = an_path_join(folder, kinds[i]);
        an_artifact *a = an_artifact_new(own, &err);
        an_generator *g = an_generator_fit(an_generator_kind_find(kinds[i], NULL), kinds[i][0] == 'w' ? options : NULL, t, NULL, &err);
        if (!a || !g || !an_generator_save(g, a, &err)) abort();
        an_generator_free(g);
        an_artifact_free(a);
        free(own);
        json_decref(options);
    }
    an_table_free(t);
}

/* The folder of the kind that the bytes name, the last where they name none. */
static char *chosen(const uint8_t *bytes, size_t size)
{
    size_t i = 0;
    while (i + 1 < AN_COUNT(kinds) && !memmem(bytes, size, kinds[i], strlen(kinds[i]))) i++;
    return an_path_join(folder, kinds[i]);
}

static void use(an_generator *g)
{
    an_error err = { 0 };
    an_table *rows = an_generator_sample(g, "g", 1, 3, 5, NULL, &err);
    if (!rows && !err.message[0]) abort();
    if (rows && rows->rows != 5) abort();
    an_table_free(rows);
    uint64_t key = 7;
    (void)!an_generator_check_unseen(g, &key, 1, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!folder) prepare();
    char *own = chosen(bytes, size), *path = an_path_join(own, "generator.json");
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f) != 0) abort();
    free(path);
    an_error err = { 0 };
    an_artifact *a = an_artifact_open(own, &err);
    if (!a) abort();
    an_generator *g = an_generator_load(a, &err);
    if (g)
        use(g);
    else if (!err.message[0])
        abort();
    an_generator_free(g);
    an_artifact_free(a);
    free(own);
    return 0;
}
