/* op.c - the table of operations. */
#include "graph/op.h"

static const an_op *const table[] = {
#define ROW(name) &an__op_##name,
    AN_OPS(ROW)
#undef ROW
};

int an_op_count(void)
{
    return (int)AN_COUNT(table);
}

const an_op *an__op_at(int index)
{
    return index >= 0 && index < an_op_count() ? table[index] : NULL;
}

const char *an_op_name(int index)
{
    const an_op *op = an__op_at(index);
    return op == NULL ? NULL : op->name;
}

unsigned an_op_flags(int index)
{
    const an_op *op = an__op_at(index);
    return op == NULL ? 0 : op->flags & (AN_OP_ELEMENTWISE | AN_OP_GRADIENT | AN_OP_ONNX);
}

const char *an__chain_name(int code)
{
    static const char *const names[] = {
#define NAME(name) #name,
        AN_CHAIN_CODES(NAME)
#undef NAME
    };
    return code >= 0 && code < AN_CHAIN_CODE_COUNT ? names[code] : "?";
}
