/**
 * The sampler (section 6). The host places its arrays and writes logits, penalties and biases.
 *
 *     logits   f32 x V          z, w    f64 x V
 *     heap     i32 x V          kept    u8 x V
 *     counts   {u32 token, u32 count} x up to V
 *     biases   {u32 token, 4 bytes free, f64 bias} x up to V
 *     block    16 bytes for Philox
 *     mask     u32 x (V + 31) / 32, token i is allowed by bit i % 32 of word i / 32; or no mask
 */
import { exp, expOfNegatives, log } from "./functions";
import { philoxBlock } from "./philox";

let V: i32 = 0;
let logits: usize = 0;
let zPtr: usize = 0;
let wPtr: usize = 0;
let heap: usize = 0;
let heapCount: i32 = 0;
let kept: usize = 0;
let counts: usize = 0;
let biases: usize = 0;
let block: usize = 0;
let mask: usize = 0;
let masked: bool = false;
/** Whether no token is left out, so that `kept` need not be looked at. */
let keepsAll: bool = false;

/** Places the arrays for a vocabulary of `vocabularySize` tokens. */
export function placeSampler(
  vocabularySize: i32,
  logitsAt: usize,
  zAt: usize,
  wAt: usize,
  heapAt: usize,
  keptAt: usize,
  countsAt: usize,
  biasesAt: usize,
  blockAt: usize,
  maskAt: usize,
): void {
  V = vocabularySize;
  logits = logitsAt;
  zPtr = zAt;
  wPtr = wAt;
  heap = heapAt;
  kept = keptAt;
  counts = countsAt;
  biases = biasesAt;
  block = blockAt;
  mask = maskAt;
}

// @ts-ignore: decorator

@inline
function z(i: i32): f64 {
  return load<f64>(zPtr + (<usize> i << 3));
}

// @ts-ignore: decorator

@inline
function w(i: i32): f64 {
  return load<f64>(wPtr + (<usize> i << 3));
}

/** Whether token `i` takes part. */
// @ts-ignore: decorator

@inline
function allowed(i: i32): bool {
  if (!masked) return true;
  return ((load<u32>(mask + (<usize> (i >> 5) << 2)) >> (i & 31)) & 1) != 0;
}

/** Returns the sampled token; with `useMask`, one that the mask allows, of which there is one. */
export function sample(
  countCount: i32,
  biasCount: i32,
  repeatPenalty: f64,
  frequencyPenalty: f64,
  presencePenalty: f64,
  temperature: f64,
  topK: i32,
  topP: f64,
  minP: f64,
  seedLow: u32,
  seedHigh: u32,
  position: u32,
  useMask: i32,
): i32 {
  masked = useMask != 0;
  adjust(countCount, biasCount, repeatPenalty, frequencyPenalty, presencePenalty);
  const best = argmax();
  if (temperature == 0 || topK == 1) return best;
  keep(topK, topP, minP, z(best), temperature);
  return draw(uniform(seedLow, seedHigh, position));
}

/** Steps 1 and 2. */
function adjust(countCount: i32, biasCount: i32, repeat: f64, frequency: f64, presence: f64): void {
  let i = 0;
  for (; i + 2 <= V; i += 2) {
    const pair = f64x2.promote_low_f32x4(v128.load64_zero(logits + (<usize> i << 2)));
    v128.store(zPtr + (<usize> i << 3), pair);
  }
  if (i < V) store<f64>(zPtr + (<usize> i << 3), <f64> load<f32>(logits + (<usize> i << 2)));
  for (let i = 0; i < countCount; i++) {
    const token = load<i32>(counts + (<usize> i << 3));
    const count = <f64> load<u32>(counts + (<usize> i << 3), 4);
    let value = z(token);
    if (repeat != 1) value = value > 0 ? value / repeat : value * repeat;
    value = (value - count * frequency) - presence;
    store<f64>(zPtr + (<usize> token << 3), value);
  }
  for (let i = 0; i < biasCount; i++) {
    const at = biases + (<usize> i << 4);
    const slot = zPtr + (<usize> load<i32>(at) << 3);
    store<f64>(slot, load<f64>(slot) + load<f64>(at, 8));
  }
}

function argmax(): i32 {
  if (!masked) return firstLargest();
  let best = -1;
  for (let i = 0; i < V; i++) {
    if (allowed(i) && (best < 0 || z(i) > z(best))) best = i;
  }
  return best;
}

/** The first token whose `z` is the largest. */
function firstLargest(): i32 {
  let even = f64x2.splat(z(0));
  let odd = even;
  let i = 0;
  for (; i + 4 <= V; i += 4) {
    const at = zPtr + (<usize> i << 3);
    even = f64x2.pmax(even, v128.load(at));
    odd = f64x2.pmax(odd, v128.load(at, 16));
  }
  const pairs = f64x2.pmax(even, odd);
  let largest = max<f64>(f64x2.extract_lane(pairs, 0), f64x2.extract_lane(pairs, 1));
  for (; i < V; i++) largest = max<f64>(largest, z(i));
  for (i = 0; z(i) != largest;) i++;
  return i;
}

/** w[i] = exp((z[i] - m) / temperature) of an allowed token. */
// @ts-ignore: decorator

@inline
function weigh(i: i32, m: f64, temperature: f64): void {
  store<f64>(wPtr + (<usize> i << 3), exp((z(i) - m) / temperature));
}

/** `weigh` of all allowed tokens. */
function weighAllowed(m: f64, temperature: f64): void {
  if (!masked) return weighRange(0, V, m, temperature);
  for (let from = 0; from < V; from += 32) {
    const word = load<u32>(mask + (<usize> (from >> 5) << 2));
    if (word == 0) continue;
    const to = min<i32>(from + 32, V);
    if (word == u32.MAX_VALUE) weighRange(from, to, m, temperature);
    else for (let i = from; i < to; i++) if (allowed(i)) weigh(i, m, temperature);
  }
}

/** `weigh` of tokens whose `z` is at most `m`, two at a time. */
function weighRange(from: i32, to: i32, m: f64, temperature: f64): void {
  const largest = f64x2.splat(m);
  const divisor = f64x2.splat(temperature);
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const at = <usize> i << 3;
    const x = f64x2.div(f64x2.sub(v128.load(zPtr + at), largest), divisor);
    v128.store(wPtr + at, expOfNegatives(x));
  }
  if (i < to) weigh(i, m, temperature);
}

/** Steps 4 to 7: fills `kept`, unless all are, and `w` of what is kept at least. */
function keep(topK: i32, topP: f64, minP: f64, m: f64, temperature: f64): void {
  const most = topK > 0 && topK < V ? topK : V;
  // Only a share of all tokens, and all of them, need the weights of all.
  if (most == V) {
    weighAllowed(m, temperature);
  }
  keepsAll = most == V && topP >= 1 && minP <= 0 && !masked;
  if (keepsAll) return;
  if (most == V && topP >= 1) keepAllowed();
  else {
    // The ranking begins with the tokens near the largest; the rest is looked at when they do not
    // suffice. What is kept does not depend on where they are cut.
    let reach = 12.0;
    while (!keepRanked(most, topP, m, temperature, reach)) reach = reach < 100 ? reach * 6 : Infinity;
  }
  if (minP > 0) {
    for (let i = 0; i < V; i++) {
      if (load<u8>(kept + <usize> i) && !(w(i) >= minP)) store<u8>(kept + <usize> i, 0);
    }
  }
}

/** Keeps of the ranking's beginning; false when it is too short to tell. */
function keepRanked(most: i32, topP: f64, m: f64, temperature: f64, reach: f64): bool {
  const all = heapify(reach == Infinity ? -Infinity : m - reach * temperature);
  const count = heapCount;
  if (!all && most < V && count < most) return false;
  memory.fill(kept, 0, V);
  if (most == V) return keepByMass(topP * allowedMass(), count) || all;
  const chosen = most < count ? most : count;
  for (let k = 0; k < chosen; k++) {
    const token = pop();
    weigh(token, m, temperature);
    store<u8>(kept + <usize> token, 1);
  }
  if (topP < 1) {
    const goal = topP * keptMass();
    // Popped tokens lie behind the heap, the first one last.
    let sum: f64 = 0;
    let k = 0;
    while (k < chosen && sum < goal) sum += w(at(count - 1 - k++));
    while (k < chosen) store<u8>(kept + <usize> at(count - 1 - k++), 0);
  }
  return true;
}

/** Keeps tokens of the ranking until their mass reaches the goal; false when it does not. */
function keepByMass(goal: f64, count: i32): bool {
  let sum: f64 = 0;
  for (let k = 0; k < count; k++) {
    const token = pop();
    store<u8>(kept + <usize> token, 1);
    sum += w(token);
    if (sum >= goal) return true;
  }
  return false;
}

function allowedMass(): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < V; i++) if (allowed(i)) sum += w(i);
  return sum;
}

function keepAllowed(): void {
  for (let i = 0; i < V; i++) store<u8>(kept + <usize> i, allowed(i) ? 1 : 0);
}

function keptMass(): f64 {
  let sum: f64 = 0;
  if (keepsAll) {
    for (let i = 0; i < V; i++) sum += w(i);
    return sum;
  }
  for (let i = 0; i < V; i++) if (load<u8>(kept + <usize> i)) sum += w(i);
  return sum;
}

// @ts-ignore: decorator

@inline
function at(i: i32): i32 {
  return load<i32>(heap + (<usize> i << 2));
}

/** Whether token `a` ranks before token `b`. */
// @ts-ignore: decorator

@inline
function before(a: i32, b: i32): bool {
  return z(a) > z(b) || (z(a) == z(b) && a < b);
}

/** Takes the allowed tokens from `least` on; returns whether these are all that are allowed. */
function heapify(least: f64): bool {
  heapCount = 0;
  let all = true;
  for (let i = 0; i < V; i++) {
    if (!allowed(i)) continue;
    if (!(z(i) >= least)) {
      all = false;
      continue;
    }
    store<i32>(heap + (<usize> heapCount << 2), i);
    heapCount++;
  }
  for (let i = (heapCount >> 1) - 1; i >= 0; i--) sink(i);
  return all;
}

function sink(start: i32): void {
  let i = start;
  const token = at(i);
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heapCount) break;
    if (child + 1 < heapCount && before(at(child + 1), at(child))) child++;
    if (!before(at(child), token)) break;
    store<i32>(heap + (<usize> i << 2), at(child));
    i = child;
  }
  store<i32>(heap + (<usize> i << 2), token);
}

/** Takes the first of the ranking out of the heap, and leaves it behind the heap's end. */
function pop(): i32 {
  const top = at(0);
  heapCount--;
  if (heapCount > 0) {
    store<i32>(heap, at(heapCount));
    sink(0);
    store<i32>(heap + (<usize> heapCount << 2), top);
  }
  return top;
}

/** Step 8. */
function draw(u: f64): i32 {
  const goal = u * keptMass();
  let sum: f64 = 0;
  let last = 0;
  for (let i = 0; i < V; i++) {
    if (!keepsAll && !load<u8>(kept + <usize> i)) continue;
    last = i;
    sum += w(i);
    if (sum > goal) return i;
  }
  return last;
}

function uniform(seedLow: u32, seedHigh: u32, position: u32): f64 {
  store<u32>(block, position);
  store<u32>(block, 0, 4);
  store<u64>(block, 0, 8);
  philoxBlock(block, seedLow, seedHigh);
  const high = <f64> (load<u32>(block) >> 5);
  const low = <f64> (load<u32>(block, 4) >> 6);
  return (high * 67108864.0 + low) * reinterpret<f64>(0x3ca0000000000000);
}

/** log S of the raw logits, with their largest subtracted (section 6, last paragraph). */
export function logSumExp(): f64 {
  let m = load<f32>(logits);
  for (let i = 1; i < V; i++) m = max<f32>(m, load<f32>(logits + (<usize> i << 2)));
  let sum: f64 = 0;
  const largest = f64x2.splat(<f64> m);
  let i = 0;
  for (; i + 2 <= V; i += 2) {
    const pair = f64x2.promote_low_f32x4(v128.load64_zero(logits + (<usize> i << 2)));
    const w = expOfNegatives(f64x2.sub(pair, largest));
    sum += f64x2.extract_lane(w, 0);
    sum += f64x2.extract_lane(w, 1);
  }
  if (i < V) sum += exp(<f64> load<f32>(logits + (<usize> i << 2)) - <f64> m);
  return log(sum);
}
