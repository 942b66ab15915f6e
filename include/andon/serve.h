/* serve.h - verdicts over the wire: inference, batching, replicas, the journal, metrics, the load test.
 *
 * The room holds no logic of its own about models or data: it decodes requests into rows, has them scored by the lowered program that
 * `model predict` uses (src/learn), and encodes answers.
 *
 * The way of a request: an_http_server (wire) -> route table (serve/routes.c) -> request (serve/request.c) -> decoder (serve/infer_*.c) ->
 * rows of doubles in the order of the model's features -> queue, by model version and deadline (serve/batch.c) -> replica process
 * (serve/replica.c) -> scores -> encoder -> journal (serve/journal.c), then the answer.
 */
#ifndef ANDON_SERVE_H
#define ANDON_SERVE_H

#include "andon/flow.h"

/* The commands of this room: serve, journal list, journal export. */
const an_act *const *an_serve_acts(size_t *count);

#endif
