/* replica_frame.h - what parent and worker say to each other over their socket: frames with a fixed head, little-endian, one machine. */
#ifndef AN_SERVE_REPLICA_FRAME_H
#define AN_SERVE_REPLICA_FRAME_H

#include "andon/base.h"

enum {
    AN__FRAME_LOAD = 1,  /* to the worker: have this model ready */
    AN__FRAME_SCORE = 2, /* then rows x features doubles */
    AN__FRAME_READY = 3, /* from the worker: it has all models it was told before `id` 0 */
    AN__FRAME_DONE = 4,  /* then `rows` doubles */
    AN__FRAME_ERROR = 5, /* then `rows` bytes of text */
    AN__FRAME_HELLO = 6, /* to the worker: answer READY when what came before is done */
};

typedef struct an__frame {
    uint32_t magic, kind;
    uint64_t id;
    uint32_t rows, features;
    an_hash address; /* of the model */
} an__frame;         /* 56 bytes */

#define AN__FRAME_MAGIC 0x6e646141u /* "Aadn": a stream that is out of step is noticed */

#endif
