// A mix in the manner of canister code: a hash map with 64-bit keys, methods behind function pointers, LEB128 encoding
// and decoding, 128-bit sums of balances.
// count: 170
#include "kernel.h"

// MARK: Hash map with linear probing

enum { SLOTS = 4096 };
typedef struct { u64 key; u64 low, high; } Account;
static Account accounts[SLOTS];

static u64 scramble(u64 key) {
  key ^= key >> 33;
  key *= 0xFF51AFD7ED558CCDull;
  key ^= key >> 33;
  key *= 0xC4CEB9FE1A85EC53ull;
  return key ^ key >> 33;
}

static Account *account(u64 key) {
  u32 slot = (u32)scramble(key) % SLOTS;
  while (accounts[slot].key && accounts[slot].key != key) slot = (slot + 1) % SLOTS;
  accounts[slot].key = key;
  return &accounts[slot];
}

static void deposit(Account *account, u64 amount) {
  account->low += amount;
  account->high += account->low < amount;
}

static i32 withdraw(Account *account, u64 amount) {
  if (account->high == 0 && account->low < amount) return 0;
  account->high -= account->low < amount;
  account->low -= amount;
  return 1;
}

// MARK: Messages as bytes

static u8 inbox[1 << 16];

static u32 encode(u32 at, u64 value) {
  do {
    inbox[at++] = (u8)(value & 0x7F) | (value > 0x7F ? 0x80 : 0);
    value >>= 7;
  } while (value);
  return at;
}

static u32 decode(u32 at, u64 *value) {
  *value = 0;
  u8 byte;
  u32 shift = 0;
  do {
    byte = inbox[at++];
    *value |= (u64)(byte & 0x7F) << shift;
    shift += 7;
  } while (byte & 0x80);
  return at;
}

// MARK: Methods

typedef u32 (*Method)(u64 from, u64 to, u64 amount);

static u32 mint(u64 from, u64 to, u64 amount) {
  deposit(account(to), amount << 20 ^ from);
  return 1;
}

static u32 transfer(u64 from, u64 to, u64 amount) {
  if (!withdraw(account(from), amount)) return 2;
  deposit(account(to), amount);
  return 3;
}

static u32 balance(u64 from, u64 to, u64 amount) {
  Account *a = account(from);
  return (u32)(a->low ^ a->low >> 32 ^ a->high);
}

static u32 burn(u64 from, u64 to, u64 amount) { return withdraw(account(to), amount) ? 5 : 6; }

static const Method methods[] = {mint, transfer, transfer, balance, burn, transfer, balance, mint};

enum { MESSAGES = 2000, HOLDERS = 1500 };

static u32 process(void) {
  u32 end = 0;
  for (u32 i = 0; i < MESSAGES; i++) {
    end = encode(end, next_random() % 8);
    end = encode(end, 1 + next_random() % HOLDERS);
    end = encode(end, 1 + next_random() % HOLDERS);
    end = encode(end, (u64)next_random() >> (next_random() & 31));
  }
  u32 sum = 0;
  for (u32 at = 0; at < end;) {
    u64 method, from, to, amount;
    at = decode(decode(decode(decode(at, &method), &from), &to), &amount);
    sum = mix(sum, methods[method](from, to, amount));
  }
  return sum;
}

KERNEL {
  seed(9);
  for (u32 i = 0; i < SLOTS; i++) accounts[i] = (Account){0};
  u32 sum = 0;
  for (i32 i = 0; i < count; i++) sum = mix(sum, process());
  return sum;
}

/// Instantiation is measured with this module, and this is what is called then.
__attribute__((export_name("empty"))) void empty(void) {}
