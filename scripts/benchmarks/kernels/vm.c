// An interpreter of a small register bytecode, a switch in a loop. Its program finds the number below a bound that has
// the longest Collatz sequence. A repetition is one run of that program.
// count: 8
#include "kernel.h"

enum { LOAD, MOVE, ADD, ADD_CONST, MUL3_PLUS1, HALVE, JUMP, JUMP_IF_ODD, JUMP_IF_LESS, JUMP_IF_EQUAL, HALT };
typedef struct { u8 op, a, b; i8 target; } Code;

// Registers: 0 number, 1 value, 2 steps, 3 longest, 4 its number, 5 bound, 6 one.
static const Code program[] = {
    {LOAD, 0, 2, 0},           // 0: number = 2
    {LOAD, 3, 0, 0},           // 1: longest = 0
    {LOAD, 6, 1, 0},           // 2
    {MOVE, 1, 0, 0},           // 3: value = number
    {LOAD, 2, 0, 0},           // 4: steps = 0
    {JUMP_IF_EQUAL, 1, 6, 11}, // 5: value reached 1
    {ADD_CONST, 2, 1, 0},      // 6: steps += 1
    {JUMP_IF_ODD, 1, 0, 10},   // 7
    {HALVE, 1, 0, 0},          // 8
    {JUMP, 0, 0, 5},           // 9
    {MUL3_PLUS1, 1, 0, 13},    // 10: and on at 13
    {JUMP_IF_LESS, 2, 3, 14},  // 11: steps < longest
    {JUMP, 0, 0, 17},          // 12
    {JUMP, 0, 0, 5},           // 13
    {ADD_CONST, 0, 1, 0},      // 14: number += 1
    {JUMP_IF_LESS, 0, 5, 3},   // 15
    {HALT, 0, 0, 0},           // 16
    {MOVE, 3, 2, 0},           // 17: longest = steps
    {MOVE, 4, 0, 0},           // 18
    {JUMP, 0, 0, 14},          // 19
};

static u32 run_program(u32 bound) {
  u32 r[8] = {0};
  r[5] = bound;
  for (u32 pc = 0;;) {
    Code code = program[pc++];
    switch (code.op) {
    case LOAD: r[code.a] = code.b; break;
    case MOVE: r[code.a] = r[code.b]; break;
    case ADD: r[code.a] += r[code.b]; break;
    case ADD_CONST: r[code.a] += code.b; break;
    case MUL3_PLUS1: r[code.a] = 3 * r[code.a] + 1, pc = code.target; break;
    case HALVE: r[code.a] >>= 1; break;
    case JUMP: pc = code.target; break;
    case JUMP_IF_ODD: if (r[code.a] & 1) pc = code.target; break;
    case JUMP_IF_LESS: if (r[code.a] < r[code.b]) pc = code.target; break;
    case JUMP_IF_EQUAL: if (r[code.a] == r[code.b]) pc = code.target; break;
    case HALT: return r[3] << 16 ^ r[4];
    }
  }
}

KERNEL {
  u32 sum = 0;
  for (i32 i = 0; i < count; i++) sum = mix(sum, run_program(3000 + i));
  return sum;
}
