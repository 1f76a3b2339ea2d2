/* CRC-32C by the processor's own instruction, where it has one. */
#include "CPlatform.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#include <string.h>

/* Not __builtin_cpu_supports: it comes with an initialiser that asks the processor a dozen questions at the start of every
 * program, each of which a virtual machine answers by way of its host. */
bool martlet_has_crc32c(void)
{
	unsigned int a, b, c = 0, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}

__attribute__((target("sse4.2")))
uint32_t martlet_crc32c(uint32_t state, const void *bytes, size_t count)
{
	const unsigned char *next = bytes;
	uint64_t wide = state, word;

	for (; count >= sizeof word; count -= sizeof word, next += sizeof word) {
		memcpy(&word, next, sizeof word);
		wide = _mm_crc32_u64(wide, word);
	}
	state = (uint32_t)wide;
	for (; count > 0; count--, next++)
		state = _mm_crc32_u8(state, *next);
	return state;
}

#else

bool martlet_has_crc32c(void) { return false; }

uint32_t martlet_crc32c(uint32_t state, const void *bytes, size_t count)
{
	(void)bytes;
	(void)count;
	return state;
}

#endif
