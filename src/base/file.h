/* file.h - file helpers shared by the files of the base room. */
#ifndef ANDON_SRC_BASE_FILE_H
#define ANDON_SRC_BASE_FILE_H

#include "andon/base.h"

/* An open regular file (or pipe) for reading, -1 on failure: AN_NOT_FOUND when absent, AN_INPUT for a folder, else AN_IO. */
int an__file_open(const char *path, an_error *err);
/* Reads all of fd and appends nothing: out is replaced. path is for messages. limit_bytes 0: none. */
bool an__file_read_fd(int fd, const char *path, size_t limit_bytes, an_buf *out, an_error *err);
/* SHA-256 of all that fd gives; bytes may be NULL. */
bool an__hash_fd(int fd, const char *path, an_hash *out, uint64_t *bytes, an_error *err);

#endif
