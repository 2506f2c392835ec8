// Sieve of Eratosthenes over a million bytes: strided stores, then a scan.
// count: 7
#include "kernel.h"

enum { LIMIT = 1 << 20 };
static u8 is_composite[LIMIT];

static u32 count_primes(void) {
  for (u32 i = 0; i < LIMIT; i++) is_composite[i] = 0;
  for (u32 i = 2; i * i < LIMIT; i++) {
    if (is_composite[i]) continue;
    for (u32 j = i * i; j < LIMIT; j += i) is_composite[j] = 1;
  }
  u32 primes = 0;
  for (u32 i = 2; i < LIMIT; i++) primes += !is_composite[i];
  return primes;
}

KERNEL {
  u32 sum = 0;
  for (i32 i = 0; i < count; i++) sum = mix(sum, count_primes());
  return sum;
}
