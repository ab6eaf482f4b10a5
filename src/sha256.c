/*
 * sha256.c
 *		SHA-256 of bytes in one piece.
 *
 * The server's own sha256() spends several times longer on setting a digest of
 * OpenSSL's up and taking it down than on the few hundred bytes of a link.  So
 * where the processor has instructions for SHA-256, they are used here, by FIPS
 * 180-4; elsewhere it is the server's.
 */
#include "sha256.h"

#include "port/pg_bswap.h"
#include "utils/builtins.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HAVE_SHA_INSTRUCTIONS
#include <cpuid.h>
#include <immintrin.h>
#endif

#ifdef HAVE_SHA_INSTRUCTIONS

#define BLOCK_SIZE 64

static const uint32 round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2};

static const uint32 initial_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
										0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static bool
has_sha_instructions(void)
{
	static int known = -1;

	if (known < 0)
	{
		unsigned int eax;
		unsigned int ebx;
		unsigned int ecx;
		unsigned int edx;

		known = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_SSSE3) != 0 &&
				(ecx & bit_SSE4_1) != 0 &&
				__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA) != 0;
	}
	return known == 1;
}

/*
 * The instructions keep the eight words of the state as (a, b, e, f) and
 * (c, d, g, h), highest word first, and do two rounds each.
 */
__attribute__((target("sha,sse4.1,ssse3"))) static void
hash_blocks(uint32 *state, const uint8 *data, size_t nblocks)
{
	const __m128i big_endian =
		_mm_set_epi64x(INT64CONST(0x0c0d0e0f08090a0b), INT64CONST(0x0405060700010203));
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *) state), 0xB1);
	__m128i efgh =
		_mm_shuffle_epi32(_mm_loadu_si128((const __m128i *) (state + 4)), 0x1B);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
	__m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
	__m128i feba;
	__m128i dchg;

	for (; nblocks > 0; nblocks--, data += BLOCK_SIZE)
	{
		__m128i abef_before = abef;
		__m128i cdgh_before = cdgh;
		__m128i words[4];

#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
		{
			__m128i sum;

			if (i < 4)
				words[i] = _mm_shuffle_epi8(
					_mm_loadu_si128((const __m128i *) (data + 16 * i)), big_endian);
			else
				words[i & 3] = _mm_sha256msg2_epu32(
					_mm_add_epi32(
						_mm_sha256msg1_epu32(words[i & 3], words[(i + 1) & 3]),
						_mm_alignr_epi8(words[(i + 3) & 3], words[(i + 2) & 3], 4)),
					words[(i + 3) & 3]);
			sum = _mm_add_epi32(
				words[i & 3],
				_mm_loadu_si128((const __m128i *) (round_constants + 4 * i)));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}

	feba = _mm_shuffle_epi32(abef, 0x1B);
	dchg = _mm_shuffle_epi32(cdgh, 0xB1);
	_mm_storeu_si128((__m128i *) state, _mm_blend_epi16(feba, dchg, 0xF0));
	_mm_storeu_si128((__m128i *) (state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static void
hash_by_instructions(const uint8 *data, size_t length, uint8 *hash)
{
	size_t nblocks = length / BLOCK_SIZE;
	size_t rest = length % BLOCK_SIZE;
	/* The end: a bit that is set, and the length in bits in the last 8 bytes. */
	uint8 end[2 * BLOCK_SIZE] = {0};
	size_t end_size = rest < BLOCK_SIZE - sizeof(uint64) ? BLOCK_SIZE : 2 * BLOCK_SIZE;
	uint64 nbits = pg_hton64((uint64) length * 8);
	uint32 state[8];

	memcpy(state, initial_state, sizeof(state));
	hash_blocks(state, data, nblocks);
	memcpy(end, data + nblocks * BLOCK_SIZE, rest);
	end[rest] = 0x80;
	memcpy(end + end_size - sizeof(nbits), &nbits, sizeof(nbits));
	hash_blocks(state, end, end_size / BLOCK_SIZE);
	for (int i = 0; i < 8; i++)
	{
		uint32 word = pg_hton32(state[i]);

		memcpy(hash + sizeof(word) * i, &word, sizeof(word));
	}
}

#endif

void
sha256_hash(const bytea *data, uint8 *hash)
{
	bytea *digest;

#ifdef HAVE_SHA_INSTRUCTIONS
	if (has_sha_instructions())
	{
		hash_by_instructions((const uint8 *) VARDATA(data), VARSIZE(data) - VARHDRSZ,
							 hash);
		return;
	}
#endif
	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(data)));
	Assert(VARSIZE_ANY_EXHDR(digest) == SHA256_SIZE);
	memcpy(hash, VARDATA_ANY(digest), SHA256_SIZE);
	pfree(digest);
}
