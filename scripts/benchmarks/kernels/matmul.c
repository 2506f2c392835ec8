// Product of two 128 x 128 matrices of doubles, the plain triple loop.
// count: 7
#include "kernel.h"

enum { N = 128 };
static f64 a[N][N], b[N][N], c[N][N];

static void multiply(void) {
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) {
      f64 sum = 0;
      for (u32 k = 0; k < N; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
}

KERNEL {
  seed(1);
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) {
      a[i][j] = (i32)next_random() * 0x1p-31;
      b[i][j] = (i32)next_random() * 0x1p-31;
    }
  u32 sum = 0;
  for (i32 round = 0; round < count; round++) {
    multiply();
    for (u32 i = 0; i < N; i++) sum = mix_f64(sum, c[i][i]);
    a[round % N][0] = c[0][0] * 0x1p-7;
  }
  return sum;
}
