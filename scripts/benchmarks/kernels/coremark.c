// A mix in the manner of CoreMark: search, reversal and merge sort of a linked list, integer matrices, a state machine
// that classifies numbers in a text, a bitwise CRC-16 over all results.
// count: 350
#include "kernel.h"

// One bit at a time, as the embedded benchmark does it.
static u16 crc16(u16 data, u16 crc) {
  for (u32 i = 0; i < 16; i++) {
    u32 carry = (data ^ crc) & 1;
    crc >>= 1;
    data >>= 1;
    if (carry) crc ^= 0xA001;
  }
  return crc;
}

// MARK: Lists

typedef struct Node { struct Node *next; i16 key, value; } Node;
enum { NODES = 256 };
static Node nodes[NODES];

static Node *make_list(void) {
  for (u32 i = 0; i < NODES; i++) {
    nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : 0;
    nodes[i].key = (i16)(next_random() & 0x7FFF);
    nodes[i].value = (i16)i;
  }
  return nodes;
}

static Node *find(Node *list, i16 key) {
  while (list && list->key != key) list = list->next;
  return list;
}

static Node *reverse(Node *list) {
  Node *result = 0;
  while (list) {
    Node *next = list->next;
    list->next = result;
    result = list;
    list = next;
  }
  return result;
}

typedef i32 (*Comparison)(const Node *, const Node *);
static i32 by_key(const Node *a, const Node *b) { return a->key - b->key; }
static i32 by_value(const Node *a, const Node *b) { return a->value - b->value; }

static Node *merge_sort(Node *list, Comparison compare) {
  if (!list || !list->next) return list;
  Node *slow = list, *fast = list->next;
  while (fast && fast->next) slow = slow->next, fast = fast->next->next;
  Node *right = merge_sort(slow->next, compare);
  slow->next = 0;
  Node *left = merge_sort(list, compare), *result = 0, **tail = &result;
  while (left && right) {
    Node **smaller = compare(left, right) <= 0 ? &left : &right;
    *tail = *smaller;
    tail = &(*smaller)->next;
    *smaller = *tail;
  }
  *tail = left ? left : right;
  return result;
}

static u16 list_work(u16 crc) {
  Node *list = make_list();
  for (u32 i = 0; i < 32; i++) {
    Node *found = find(list, nodes[next_random() % NODES].key);
    if (found) crc = crc16((u16)found->value, crc);
    list = reverse(list);
  }
  list = merge_sort(list, by_key);
  for (Node *node = list; node; node = node->next) crc = crc16((u16)node->key, crc);
  list = merge_sort(list, by_value);
  return crc16((u16)list->key, crc);
}

// MARK: Matrices

enum { N = 16 };
static i16 a[N][N], b[N][N];
static i32 c[N][N];

static u16 matrix_work(u16 crc) {
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) a[i][j] = (i16)next_random(), b[i][j] = (i16)(next_random() & 0xFF);
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) {
      i32 sum = 0;
      for (u32 k = 0; k < N; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  i32 previous = 0, steps = 0;
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) {
      i32 bits = (c[i][j] >> 2 & 0xF) * (c[i][j] >> 5 & 0x7F);
      steps += bits > previous ? 10 : 1;
      previous = bits;
    }
  return crc16((u16)steps, crc16((u16)c[3][7], crc));
}

// MARK: State machine

enum State { START, SIGN, INTEGER, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID, STATES };
static const char *const texts[] = {"5012", "+874", "-.5", "35.54400", "0.1e+7", "-110.7e-3", "T0.3e", "1e", "7.-2"};

static inline i32 is_digit(char c) { return c >= '0' && c <= '9'; }

static enum State classify(const char *text, u32 *visits) {
  enum State state = START;
  for (; *text && state != INVALID; text++) {
    char c = *text;
    visits[state]++;
    switch (state) {
    case START:
      state = is_digit(c) ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : INVALID;
      break;
    case SIGN: state = is_digit(c) ? INTEGER : c == '.' ? FRACTION : INVALID; break;
    case INTEGER: state = is_digit(c) ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID; break;
    case FRACTION: state = is_digit(c) ? FRACTION : c == 'e' ? EXPONENT : INVALID; break;
    case EXPONENT: state = is_digit(c) ? SCIENTIFIC : c == '+' || c == '-' ? EXPONENT_SIGN : INVALID; break;
    case EXPONENT_SIGN: state = is_digit(c) ? SCIENTIFIC : INVALID; break;
    case SCIENTIFIC: state = is_digit(c) ? SCIENTIFIC : INVALID; break;
    default: break;
    }
  }
  return state;
}

static u16 state_work(u16 crc) {
  u32 visits[STATES] = {0}, finals[STATES] = {0};
  for (u32 i = 0; i < 256; i++) finals[classify(texts[next_random() % 9], visits)]++;
  for (u32 i = 0; i < STATES; i++) crc = crc16((u16)finals[i], crc16((u16)visits[i], crc));
  return crc;
}

KERNEL {
  seed(8);
  u32 sum = 0;
  u16 crc = 0;
  for (i32 i = 0; i < count; i++) {
    crc = state_work(matrix_work(list_work(crc)));
    sum = mix(sum, crc);
  }
  return sum;
}
