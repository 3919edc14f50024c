#include "bytes.h"

#include <string.h>

uint8_t *take_bytes(struct cursor *cursor, size_t size)
{
    if (cursor->bad || size > cursor->left) {
        cursor->bad = true;
        return NULL;
    }
    uint8_t *bytes = cursor->at;
    cursor->at += size;
    cursor->left -= size;
    return bytes;
}

static uint64_t take_number(struct cursor *cursor, size_t size)
{
    const uint8_t *bytes = take_bytes(cursor, size);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

uint8_t take_u8(struct cursor *cursor)
{
    return (uint8_t)take_number(cursor, 1);
}

uint16_t take_u16(struct cursor *cursor)
{
    return (uint16_t)take_number(cursor, 2);
}

uint32_t take_u32(struct cursor *cursor)
{
    return (uint32_t)take_number(cursor, 4);
}

uint64_t take_u64(struct cursor *cursor)
{
    return take_number(cursor, 8);
}

char *take_string(struct cursor *cursor)
{
    const uint8_t *end = cursor->bad || cursor->left == 0 ? NULL : memchr(cursor->at, 0, cursor->left);
    if (end == NULL) {
        cursor->bad = true;
        return NULL;
    }
    return (char *)take_bytes(cursor, (size_t)(end - cursor->at) + 1);
}

bool is_complete(const struct cursor *cursor)
{
    return !cursor->bad && cursor->left == 0;
}

uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(at, bytes, size);
    return at + size;
}

static uint8_t *put_number(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--, value >>= 8)
        at[i - 1] = (uint8_t)value;
    return at + size;
}

uint8_t *put_u8(uint8_t *at, uint8_t value)
{
    return put_number(at, value, 1);
}

uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    return put_number(at, value, 4);
}

uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    return put_number(at, value, 8);
}
