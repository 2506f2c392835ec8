// Vectors of all widths: blending of 8-bit pixels (widen, multiply, narrow), dot product of 16-bit numbers, Mandelbrot
// points in 32-bit floats, a 64-bit hash, a byte shuffle.
// count: 8
// flags: -msimd128
#include "kernel.h"
#include <wasm_simd128.h>

enum { LENGTH = 1 << 14 };
static u8 front[LENGTH], back[LENGTH], blended[LENGTH];
static i16 samples[LENGTH / 2], weights[LENGTH / 2];

static void blend(u32 alpha) {
  v128_t a = wasm_i16x8_splat((i16)alpha), b = wasm_i16x8_splat((i16)(256 - alpha));
  for (u32 i = 0; i < LENGTH; i += 16) {
    v128_t f = wasm_v128_load(front + i), g = wasm_v128_load(back + i);
    v128_t low = wasm_i16x8_add(wasm_i16x8_mul(wasm_u16x8_extend_low_u8x16(f), a),
                                wasm_i16x8_mul(wasm_u16x8_extend_low_u8x16(g), b));
    v128_t high = wasm_i16x8_add(wasm_i16x8_mul(wasm_u16x8_extend_high_u8x16(f), a),
                                 wasm_i16x8_mul(wasm_u16x8_extend_high_u8x16(g), b));
    v128_t pixels = wasm_u8x16_narrow_i16x8(wasm_u16x8_shr(low, 8), wasm_u16x8_shr(high, 8));
    pixels = wasm_u8x16_add_sat(pixels, wasm_u8x16_max(wasm_u8x16_avgr(f, g), wasm_u8x16_splat(1)));
    wasm_v128_store(blended + i, pixels);
  }
}

static u32 dot(void) {
  v128_t sum = wasm_i32x4_splat(0);
  for (u32 i = 0; i < LENGTH / 2; i += 8)
    sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_v128_load(samples + i), wasm_v128_load(weights + i)));
  return wasm_i32x4_extract_lane(sum, 0) + wasm_i32x4_extract_lane(sum, 1) + wasm_i32x4_extract_lane(sum, 2) +
         wasm_i32x4_extract_lane(sum, 3);
}

static u32 mandelbrot(void) {
  v128_t total = wasm_i32x4_splat(0);
  for (u32 row = 0; row < 16; row++)
    for (u32 column = 0; column < 64; column += 4) {
      v128_t cx = wasm_f32x4_make(column, column + 1, column + 2, column + 3);
      cx = wasm_f32x4_sub(wasm_f32x4_mul(cx, wasm_f32x4_splat(3.0f / 64)), wasm_f32x4_splat(2));
      v128_t cy = wasm_f32x4_splat(row * (1.2f / 16));
      v128_t x = wasm_f32x4_splat(0), y = x;
      for (u32 step = 0; step < 32; step++) {
        v128_t xx = wasm_f32x4_mul(x, x), yy = wasm_f32x4_mul(y, y);
        v128_t inside = wasm_f32x4_lt(wasm_f32x4_add(xx, yy), wasm_f32x4_splat(4));
        if (!wasm_v128_any_true(inside)) break;
        total = wasm_i32x4_sub(total, inside);
        y = wasm_f32x4_add(wasm_f32x4_mul(wasm_f32x4_splat(2), wasm_f32x4_mul(x, y)), cy);
        x = wasm_f32x4_add(wasm_f32x4_sub(xx, yy), cx);
      }
    }
  return wasm_i32x4_extract_lane(total, 0) + wasm_i32x4_extract_lane(total, 1) + wasm_i32x4_extract_lane(total, 2) +
         wasm_i32x4_extract_lane(total, 3);
}

static u32 hash(void) {
  v128_t state = wasm_i64x2_const(0x243F6A8885A308D3, 0x13198A2E03707344);
  for (u32 i = 0; i < LENGTH; i += 16) {
    v128_t data = wasm_v128_xor(wasm_v128_load(blended + i), state);
    data = wasm_i8x16_swizzle(data, wasm_i8x16_const(7, 3, 11, 15, 0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14));
    v128_t product = wasm_u64x2_extmul_low_u32x4(data, wasm_i32x4_shuffle(data, data, 1, 3, 0, 2));
    state = wasm_i64x2_add(wasm_v128_xor(wasm_i64x2_shl(state, 7), wasm_u64x2_shr(state, 57)), product);
  }
  u64 folded = wasm_i64x2_extract_lane(state, 0) ^ wasm_i64x2_extract_lane(state, 1);
  return (u32)(folded ^ folded >> 32);
}

KERNEL {
  seed(7);
  for (u32 i = 0; i < LENGTH; i++) front[i] = (u8)next_random(), back[i] = (u8)next_random();
  for (u32 i = 0; i < LENGTH / 2; i++) samples[i] = (i16)next_random(), weights[i] = (i16)next_random();
  u32 sum = 0;
  for (i32 i = 0; i < count; i++)
    for (u32 j = 0; j < 16; j++) {
      blend((i * 16 + j) & 255);
      sum = mix(sum, hash());
      sum = mix(sum, dot());
      sum = mix(sum, mandelbrot());
      front[sum % LENGTH] ^= (u8)sum;
      samples[sum % (LENGTH / 2)] ^= (i16)sum;
    }
  return sum;
}
