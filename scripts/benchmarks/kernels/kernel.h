// What all kernels share: fixed-width types, the exported function, pseudo-random numbers. No libc.
#pragma once

typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef double f64;

/// The one export: repeats the work `count` times and returns a checksum of the results.
#define KERNEL __attribute__((export_name("run"))) i32 run(i32 count)

static u32 random_state;

/// Starts the sequence of pseudo-random numbers again.
static inline void seed(u32 value) { random_state = value; }

/// The next number of a 32-bit xorshift sequence.
static inline u32 next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

/// Takes a value into a checksum.
static inline u32 mix(u32 checksum, u32 value) { return (checksum << 5 | checksum >> 27) ^ value * 0x9E3779B1u; }

/// Takes all bits of a double into a checksum.
static inline u32 mix_f64(u32 checksum, f64 value) {
  u64 bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return mix(mix(checksum, (u32)bits), (u32)(bits >> 32));
}
