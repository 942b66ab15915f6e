/* table_schema.c - any text as a schema, as expectations, as a condition, as a choice of rows and as a unit, on a small table. */
#include "table/schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char csv[] =
    "s,t,v,x,i,b,d\n001,A,x y,1.5,1,true,2026-01-01\n002,B,z,2.5,2,false,2026-01-02\n003,A,x y,,3,true,\n004,B,z,-999,4,,2026-01-04\n";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    an_error err = { 0 };
    an_table *t = an_csv_parse(csv, sizeof csv - 1, "a.csv", NULL, NULL, NULL, &err);
    if (!t) abort();
    char *text = an_strndup((const char *)bytes, n);
    an_yaml *y = an_yaml_parse(text, strlen(text), "s.yaml", &err);
    if (y) {
        json_t *report = NULL, *result;
        an_table *broken = NULL;
        if (an_schema_apply(t, y, &report, &err)) { /* what was applied can be written and applied again */
            an_buf again = { 0 };
            an_schema_text(t, &again);
            an_yaml *z = an_yaml_parse(again.data, again.size, "again.yaml", &err);
            if (!z || !an_schema_apply(t, z, NULL, &err)) {
                fprintf(stderr, "%s\n%s\n", err.message, again.data);
                abort();
            }
            an_yaml_free(z);
            an_buf_free(&again);
        } else if (err.code == AN_OK) {
            abort();
        }
        json_decref(report);
        result = an_expect_check(t, y, t, &broken, &err);
        json_decref(result);
        an_table_free(broken);
    }
    an_yaml_free(y);
    an__relation r;
    uint8_t chosen[8];
    double factor, offset;
    if (an__relation_parse(text, t, &r, &err)) (void)!an__relation_holds(&r, t, 0);
    (void)!an_table_where(text, t, chosen, &err);
    (void)!an_unit_convert(text, "m", &factor, &offset, &err);
    free(text);
    an_table_free(t);
    return 0;
}
