/* The beginning of a stream: until it has a process that is its own. */
#ifndef ERA_STARTS_H
#define ERA_STARTS_H

#include "streams.h"

/* Fill a free slot, which stays free when not even pipes can be made; the host is told. Takes over the request. */
void start_stream(struct stream *stream, uint32_t id, struct spawn_request *request);
/* For a stream with a launch: see what a spare said, try again, or execute the program when it is time. */
void start_move_on(struct stream *stream);
/* A signal came: if there is no process for it yet, that is the end. Whether it was. */
bool start_cancel(struct stream *stream, int number);
/* The stream's process was reaped: if it was a spare that never took its job, the stream waits again. Whether it does. */
bool start_spare_ended(struct stream *stream);

#endif
