/*
 * sha256.h
 *		SHA-256 of bytes in one piece.
 */
#ifndef GOVCASE_SHA256_H
#define GOVCASE_SHA256_H

#include "postgres.h"

#define SHA256_SIZE 32

/*
 * Hash what a bytea with a plain four-byte header holds.  No error but those of
 * the server's own sha256(), which it uses where the processor has no
 * instructions for it.
 */
extern void sha256_hash(const bytea *data, uint8 *hash);

#endif /* GOVCASE_SHA256_H */
