/* The agent's own words: one line each on stderr, which is the console when it is /init. */
#ifndef ERA_LOG_H
#define ERA_LOG_H

/* Write `era-agent: ` and a line. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with `: ` and the meaning of errno after it. */
void log_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The agent cannot go on: say so, then exit 70, or power the machine off when it is /init. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void die_errno(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
