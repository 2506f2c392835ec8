// Recursive Fibonacci numbers: calls and returns, hardly anything else.
// count: 3
#include "kernel.h"

static volatile u32 position = 32;

static __attribute__((noinline)) u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

KERNEL {
  u32 sum = 0;
  for (i32 i = 0; i < count; i++) sum = mix(sum, fib(position));
  return sum;
}
