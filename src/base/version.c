/* version.c - which andon this is. The header is written by the build. */
#include "andon/base.h"
#include "code_version.h"

const char *an_version(void)
{
    return AN_VERSION;
}

const char *an_code_version(void)
{
    return AN_CODE_VERSION;
}
