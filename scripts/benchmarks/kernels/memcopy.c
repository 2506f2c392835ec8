// memory.copy in a loop, mostly short and some long ones, as allocators and serializers make them. A repetition is
// 10,000 copies.
// count: 180
// flags: -mbulk-memory -mbulk-memory-opt
#include "kernel.h"

enum { LENGTH = 1 << 18 };
static u8 buffer[LENGTH];

KERNEL {
  seed(6);
  for (u32 i = 0; i < LENGTH; i++) buffer[i] = (u8)next_random();
  u32 sum = 0;
  for (i32 i = 0; i < count; i++) {
    for (u32 j = 0; j < 10000; j++) {
      u32 bits = next_random();
      u32 length = (bits & 31) == 0 ? 4096 : bits >> 5 & 127;
      u32 from = bits >> 12 & (LENGTH / 2 - 1);
      u32 to = next_random() & (LENGTH / 2 - 1);
      __builtin_memmove(buffer + to, buffer + from, length);
    }
    sum = mix(sum, buffer[next_random() % LENGTH]);
  }
  for (u32 i = 0; i < LENGTH; i += 61) sum = mix(sum, buffer[i]);
  return sum;
}
