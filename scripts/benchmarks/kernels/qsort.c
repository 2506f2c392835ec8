// Quicksort of 100,000 numbers, insertion sort for short ranges: unpredictable branches, swaps, recursion.
// count: 8
#include "kernel.h"

enum { LENGTH = 100000 };
static u32 numbers[LENGTH];

static void sort(u32 *first, u32 *last) {
  while (last - first > 12) {
    u32 pivot = first[(last - first) / 2];
    u32 *left = first, *right = last;
    while (left <= right) {
      while (*left < pivot) left++;
      while (*right > pivot) right--;
      if (left > right) break;
      u32 swapped = *left;
      *left++ = *right;
      *right-- = swapped;
    }
    if (right - first < last - left) {
      sort(first, right);
      first = left;
    } else {
      sort(left, last);
      last = right;
    }
  }
  for (u32 *i = first + 1; i <= last; i++) {
    u32 value = *i, *j = i;
    for (; j > first && j[-1] > value; j--) *j = j[-1];
    *j = value;
  }
}

KERNEL {
  seed(5);
  u32 sum = 0;
  for (i32 i = 0; i < count; i++) {
    for (u32 j = 0; j < LENGTH; j++) numbers[j] = next_random();
    sort(numbers, numbers + LENGTH - 1);
    for (u32 j = 0; j < LENGTH; j += 97) sum = mix(sum, numbers[j]);
  }
  return sum;
}
