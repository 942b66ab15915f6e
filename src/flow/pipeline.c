/* pipeline.c - the public face of pipelines that needs the table of step kinds. */
#include "flow/pipeline.h"

an_pipeline *an_pipeline_read(const char *path, an_error *err)
{
    size_t count = 0;
    const an_step_kind *const *kinds = an_step_kinds(&count);
    return an__pipeline_read_with(path, kinds, count, err);
}
