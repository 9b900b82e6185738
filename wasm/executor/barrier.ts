/**
 * Words that the host and the threads share, and the barrier between steps of the program.
 *
 * src/engine/_threads.ts has the same offsets. Words that threads wait on or add to have a cache
 * line of their own.
 *
 *     +0     command: grows by one when there is work, and to end
 *     +64    how many threads have arrived at the barrier
 *     +128   generation of the barrier: grows when all have
 *     +192   how many threads sleep at the barrier
 *     +256   stop: the host asks for the end of the pass
 *     +320   dead: a thread is gone, or the host closes; all threads end
 *     +384   bad: 0, a local layer + 1 whose result is not finite, or BAD_HEAD
 *     +448   agreed: what all threads go by until the next barrier; not 0 ends the pass
 *     +512   how many threads there are
 *     +1984  how many tasks of this step have been claimed
 */
const COMMAND: usize = 0;
const ARRIVED: usize = 64;
const GENERATION: usize = 128;
const SLEEPERS: usize = 192;
const STOP: usize = 256;
const DEAD: usize = 320;
const BAD: usize = 384;
const AGREED: usize = 448;
const THREADS: usize = 512;
const CLAIMED: usize = 1984;

/** `bad` when logits are not finite. */
export const BAD_HEAD: i32 = -1;
/** Added to `bad` when a key or a value does not fit its form. */
export const BAD_KEY_VALUE: i32 = 1 << 20;

/**
 * Loads before a thread sleeps: at most some 10 to 40 us. Where waiting was in vain, as on a machine
 * whose other threads have no core to run on, a thread is sooner asleep the next time.
 */
const SPINS_MAX: i32 = 20_000;
const SPINS_LEAST: i32 = 500;

/** A sleeper looks after this many nanoseconds whether others are still there. */
const SLEEP_NS: i64 = 50_000_000;

let control: usize = 0;
let patience: i32 = SPINS_MAX;

/** This thread, and how many there are. */
export let me: i32 = 0;
export let threads: i32 = 1;
/** How many commands it has taken. */
export let seen: i32 = 0;

/** Waits for the next command; false when threads are to end. */
export function awaitCommand(at: usize, thread: i32): bool {
  control = at;
  me = thread;
  threads = atomic.load<i32>(at + THREADS);
  while (atomic.load<i32>(at + COMMAND) == seen) {
    if (atomic.load<i32>(at + DEAD)) return false;
    atomic.wait<i32>(at + COMMAND, seen, -1);
  }
  seen++;
  return atomic.load<i32>(at + DEAD) == 0;
}

/** Returns when all threads have called it. What they wrote before is seen by all after. */
export function barrier(): void {
  if (threads == 1) {
    agree();
    return;
  }
  const generation = atomic.load<i32>(control + GENERATION);
  if (atomic.add<i32>(control + ARRIVED, 1) == threads - 1) {
    agree();
    atomic.store<i32>(control + ARRIVED, 0);
    atomic.store<i32>(control + GENERATION, generation + 1);
    if (atomic.load<i32>(control + SLEEPERS) > 0) atomic.notify(control + GENERATION, threads);
    return;
  }
  for (let spins = 0; spins < patience; spins++) {
    if (atomic.load<i32>(control + GENERATION) != generation) {
      patience = min<i32>(SPINS_MAX, patience + (patience >> 2));
      return;
    }
  }
  patience = max<i32>(SPINS_LEAST, patience >> 1);
  atomic.add<i32>(control + SLEEPERS, 1);
  while (atomic.load<i32>(control + GENERATION) == generation) {
    // Others may never come: the thread ends by a trap, which its script expects.
    if (atomic.load<i32>(control + DEAD)) unreachable();
    atomic.wait<i32>(control + GENERATION, generation, SLEEP_NS);
  }
  atomic.sub<i32>(control + SLEEPERS, 1);
}

/** Whether the pass ends early; the same for all threads between two barriers. */
export function halted(): bool {
  return atomic.load<i32>(control + AGREED) != 0;
}

/** Notes that a result is not finite; the first note stays. */
export function noteBad(what: i32): void {
  atomic.cmpxchg<i32>(control + BAD, 0, what);
}

/**
 * The number of a task that no thread has: 0, 1 and so on, anew after every barrier. Tasks of a step
 * are given to who asks, as a thread whose core has other work too would hold up all others.
 */
export function claim(): i32 {
  return atomic.add<i32>(control + CLAIMED, 1);
}

function agree(): void {
  atomic.store<i32>(control + CLAIMED, 0);
  const stop = atomic.load<i32>(control + STOP) | atomic.load<i32>(control + BAD);
  atomic.store<i32>(control + AGREED, stop);
}
