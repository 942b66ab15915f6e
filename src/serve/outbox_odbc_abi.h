/* outbox_odbc_abi.h - the part of ODBC 3 (ISO/IEC 9075-3, SQL/CLI) that the outbox uses: types, numbers and functions of the driver manager
 * unixODBC, which is loaded while the program runs: it is built, packed and started without one. tests/serve/test_outbox_odbc.c compares
 * all of this with the manager's own headers where they are installed. */
#ifndef AN_SERVE_OUTBOX_ODBC_ABI_H
#define AN_SERVE_OUTBOX_ODBC_ABI_H

typedef void *odbc_handle;
typedef short odbc_return;
typedef unsigned short odbc_unit; /* of UTF-16 */
typedef long odbc_size;           /* as wide as a pointer */
typedef unsigned long odbc_count;

enum {
    /* odbc_return */
    ODBC_SUCCESS = 0,
    ODBC_SUCCESS_WITH_INFO = 1,
    ODBC_NO_DATA = 100,
    /* handles */
    ODBC_ENVIRONMENT = 1,
    ODBC_CONNECTION = 2,
    ODBC_STATEMENT = 3,
    /* attributes of environment, connection, statement */
    ODBC_ATTR_VERSION = 200,
    ODBC_VERSION_3 = 3,
    ODBC_ATTR_AUTOCOMMIT = 102,
    ODBC_AUTOCOMMIT_OFF = 0,
    ODBC_ATTR_LOGIN_TIMEOUT = 103,
    ODBC_ATTR_CONNECTION_TIMEOUT = 113,
    ODBC_ATTR_QUERY_TIMEOUT = 0,
    /* types of C */
    ODBC_C_UNITS = -8,
    ODBC_C_DOUBLE = 8,
    ODBC_C_INT = -16,
    ODBC_C_LONG = -25,
    /* types of SQL */
    ODBC_TEXT = -9,
    ODBC_DOUBLE = 8,
    ODBC_INTEGER = 4,
    ODBC_BIGINT = -5,
    /* others */
    ODBC_NO_PROMPT = 0,
    ODBC_INPUT = 1,
    ODBC_NULL = -1,
    ODBC_TO_THE_END = -3,
    ODBC_CLOSE = 0,
    ODBC_COMMIT = 0,
    ODBC_ROLLBACK = 1,
    ODBC_DBMS_NAME = 17,
};

/* X(name, result, arguments) */
#define ODBC_FUNCTIONS(X)                                                                                                          \
    X(SQLAllocHandle, odbc_return, (short kind, odbc_handle parent, odbc_handle *out))                                             \
    X(SQLFreeHandle, odbc_return, (short kind, odbc_handle handle))                                                                \
    X(SQLSetEnvAttr, odbc_return, (odbc_handle environment, int attribute, void *value, int size))                                 \
    X(SQLSetConnectAttr, odbc_return, (odbc_handle connection, int attribute, void *value, int size))                              \
    X(SQLSetStmtAttr, odbc_return, (odbc_handle statement, int attribute, void *value, int size))                                  \
    X(SQLDriverConnectW, odbc_return,                                                                                              \
      (odbc_handle connection, void *window, odbc_unit *text, short size, odbc_unit *out, short room, short *out_size,             \
       unsigned short completion))                                                                                                 \
    X(SQLGetInfo, odbc_return, (odbc_handle connection, unsigned short what, void *out, short room, short *size))                  \
    X(SQLDisconnect, odbc_return, (odbc_handle connection))                                                                        \
    X(SQLGetDiagRecW, odbc_return,                                                                                                 \
      (short kind, odbc_handle handle, short record, odbc_unit *state, int *native, odbc_unit *text, short room, short *size))     \
    X(SQLExecDirect, odbc_return, (odbc_handle statement, unsigned char *text, int size))                                          \
    X(SQLPrepare, odbc_return, (odbc_handle statement, unsigned char *text, int size))                                             \
    X(SQLBindParameter, odbc_return,                                                                                               \
      (odbc_handle statement, unsigned short number, short direction, short c_type, short sql_type, odbc_count size, short digits, \
       void *value, odbc_size room, odbc_size *length))                                                                            \
    X(SQLExecute, odbc_return, (odbc_handle statement))                                                                            \
    X(SQLFetch, odbc_return, (odbc_handle statement))                                                                              \
    X(SQLGetData, odbc_return,                                                                                                     \
      (odbc_handle statement, unsigned short column, short c_type, void *value, odbc_size room, odbc_size *length))                \
    X(SQLFreeStmt, odbc_return, (odbc_handle statement, unsigned short option))                                                    \
    X(SQLEndTran, odbc_return, (short kind, odbc_handle handle, short completion))

typedef struct odbc_functions {
#define ODBC_FUNCTION(name, result, arguments) result(*name) arguments;
    ODBC_FUNCTIONS(ODBC_FUNCTION)
#undef ODBC_FUNCTION
} odbc_functions;

#endif
