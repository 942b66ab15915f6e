/* serve_mlflow_filter.c - the filter language, order_by and query strings with arbitrary bytes. What is parsed keeps its promises: as many
 * texts as the comparison needs, a key, and never more terms than allowed. */
#include "serve/mlflow.h"
#include "store/tracking.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 20000) return 0;
    char *text = an_strndup((const char *)data, size);
    an_error err = { 0 };
    an__filter f;
    if (an__filter_parse(text, &f, &err)) {
        if (f.count > AN__FILTER_TERMS) abort();
        for (size_t i = 0; i < f.count; i++) {
            const an__term *t = &f.term[i];
            bool none = t->compare == AN__IS_NULL || t->compare == AN__IS_NOT_NULL, many = t->compare == AN__IN || t->compare == AN__NOT_IN;
            if (!t->key || (none ? t->texts.count != 0 : many ? t->texts.count == 0 : t->texts.count != 1)) abort();
        }
        an__filter_free(&f);
    } else if (err.code != AN_INPUT || f.count) {
        abort();
    }
    an__field_kind kind;
    char *key;
    bool descending;
    if (an__order_parse(text, &kind, &key, &descending, &err) != (key != NULL)) abort();
    free(key);
    json_t *q = an__mlflow_query((an_span){ (const char *)data, size }, &err);
    if (q && !json_is_object(q)) abort();
    json_decref(q);
    char *path = an__mlflow_path("/root", text, &err);
    if (path && (strncmp(path, "/root/", 6) || strstr(path, "/../") || strstr(path, "//"))) abort();
    free(path);
    free(text);
    return 0;
}
