/* Big-endian numbers in frames: a bounded cursor to read them, and writers that return the place after what they wrote. */
#ifndef ERA_BYTES_H
#define ERA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of a payload. Reading past its end gives zeros and sets `bad`, so a parser checks once, when it is done. */
struct cursor {
    uint8_t *at;
    size_t left;
    bool bad;
};

uint8_t *take_bytes(struct cursor *cursor, size_t size);
uint8_t take_u8(struct cursor *cursor);
uint16_t take_u16(struct cursor *cursor);
uint32_t take_u32(struct cursor *cursor);
uint64_t take_u64(struct cursor *cursor);
/* A NUL-terminated string; NULL, and `bad`, when no NUL follows. */
char *take_string(struct cursor *cursor);
/* Whether everything was read and nothing was missing. */
bool is_complete(const struct cursor *cursor);

uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size);
uint8_t *put_u8(uint8_t *at, uint8_t value);
uint8_t *put_u32(uint8_t *at, uint32_t value);
uint8_t *put_u64(uint8_t *at, uint64_t value);

#endif
