// Five bodies under gravity: double arithmetic with square roots and divisions. A repetition is 1,000 steps.
// count: 110
#include "kernel.h"

enum { BODIES = 5 };
typedef struct { f64 x, y, z, vx, vy, vz, mass; } Body;
static Body bodies[BODIES];

static void set_up(void) {
  seed(4);
  for (u32 i = 0; i < BODIES; i++) {
    Body *body = &bodies[i];
    f64 *value = &body->x;
    for (u32 j = 0; j < 6; j++) value[j] = (i32)next_random() * (j < 3 ? 0x1p-28 : 0x1p-32);
    body->mass = i == 0 ? 40 : 0.01 * (i + 1);
  }
}

static void advance(f64 dt) {
  for (u32 i = 0; i < BODIES; i++) {
    Body *a = &bodies[i];
    for (u32 j = i + 1; j < BODIES; j++) {
      Body *b = &bodies[j];
      f64 dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      f64 square = dx * dx + dy * dy + dz * dz + 1e-3;
      f64 force = dt / (square * __builtin_sqrt(square));
      a->vx -= dx * b->mass * force, a->vy -= dy * b->mass * force, a->vz -= dz * b->mass * force;
      b->vx += dx * a->mass * force, b->vy += dy * a->mass * force, b->vz += dz * a->mass * force;
    }
  }
  for (u32 i = 0; i < BODIES; i++) {
    Body *body = &bodies[i];
    body->x += dt * body->vx, body->y += dt * body->vy, body->z += dt * body->vz;
  }
}

KERNEL {
  set_up();
  u32 sum = 0;
  for (i32 i = 0; i < count; i++) {
    for (u32 step = 0; step < 1000; step++) advance(0.001);
    sum = mix_f64(sum, bodies[0].x);
  }
  return sum;
}
