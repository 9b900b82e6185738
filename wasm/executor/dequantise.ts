/**
 * One row of a packed matrix as f32: an embedding row (section 2). Groups are drawn in constants.ts.
 */
import {
  iq4Table,
  KIND_BF16,
  KIND_F16,
  KIND_F32,
  KIND_IQ4_NEITHER,
  KIND_Q2K_PLAIN,
  KIND_Q3K_PLAIN,
  KIND_Q41_PLAIN,
  KIND_Q4_PLAIN,
  KIND_Q4K_PLAIN,
  KIND_Q50_PLAIN,
  KIND_Q51_PLAIN,
  KIND_Q5K_PLAIN,
  KIND_Q6K_PLAIN,
  KIND_Q8_NEITHER,
  KIND_Q8_UNSIGNED,
  KIND_Q8_UNSIGNED_EMULATED,
} from "./constants";
import { halfToFloat } from "./half";

/** Instead of what is taken off bytes: two rows' bytes to a word. */
const TWINS: i32 = 1;

/** Writes row `row` (lane row mod 8 of its group, which starts at `group`) to `out`. */
export function dequantiseRow(kind: i32, out: usize, group: usize, lane: i32, columns: i32): void {
  const end = out + (<usize> columns << 2);
  if (kind <= KIND_BF16) return plainRow(kind, out, end, group, lane);
  const format = formatOf(kind);
  if (format >= KIND_Q2K_PLAIN && format <= KIND_Q6K_PLAIN) {
    return rowOf256(format, out, end, group, lane);
  }
  const flip = kind == KIND_Q8_UNSIGNED || kind == KIND_Q8_UNSIGNED_EMULATED ? 128 : 0;
  rowOf32(format, out, end, group, lane, kind == KIND_Q8_NEITHER ? TWINS : flip);
}

function plainRow(kind: i32, out: usize, end: usize, group: usize, lane: i32): void {
  const l = <usize> lane;
  for (; out < end; out += 4) {
    let value: f32;
    if (kind == KIND_F32) value = load<f32>(group + (l << 2));
    else if (kind == KIND_F16) value = halfToFloat(load<i16>(group + (l << 1)));
    else value = reinterpret<f32>(<u32> load<u16>(group + (l << 1)) << 16);
    store<f32>(out, value);
    group += kind == KIND_F32 ? 32 : 16;
  }
}

/** The first of a format's kinds. */
function formatOf(kind: i32): i32 {
  if (kind >= KIND_IQ4_NEITHER) return KIND_IQ4_NEITHER;
  return kind < KIND_Q4_PLAIN ? KIND_Q8_NEITHER : kind & ~1;
}

function rowOf32(
  format: i32,
  out: usize,
  end: usize,
  block: usize,
  lane: i32,
  flip: i32,
): void {
  const minimum = format == KIND_Q41_PLAIN || format == KIND_Q51_PLAIN;
  const fives = format == KIND_Q50_PLAIN || format == KIND_Q51_PLAIN;
  const twins = flip == TWINS;
  const offset = format == KIND_Q4_PLAIN ? 8 : format == KIND_Q50_PLAIN ? 16 : twins ? 0 : flip;
  while (out < end) {
    const scale = scaleAt(block, lane);
    block += 16;
    let m: f32 = 0;
    if (minimum) {
      m = scaleAt(block, lane);
      block += 16;
    }
    for (let k = 0; k < 32; k++) {
      let w: i32;
      if (twins) w = twinAt(block, lane, k);
      else if (format == KIND_Q8_NEITHER) w = byteAt(block, lane, k, flip);
      else if (format == KIND_IQ4_NEITHER) w = iq4(nibbleAt(block, lane, k));
      else w = fives ? fiveAt(block, lane, k) : nibbleAt(block, lane, k);
      const product = scale * <f32> (w - offset);
      store<f32>(out, minimum ? product + m : product);
      out += 4;
    }
    block += format == KIND_Q8_NEITHER ? 256 : fives ? 160 : 128;
  }
}

function rowOf256(format: i32, out: usize, end: usize, block: usize, lane: i32): void {
  const minimum = format != KIND_Q3K_PLAIN && format != KIND_Q6K_PLAIN;
  while (out < end) {
    const scale = scaleAt(block, lane);
    const m = minimum ? scaleAt(block + 16, lane) : 0;
    block += minimum ? 32 : 16;
    for (let s = 0; s < 8; s++) block = blockOf256(format, out + (<usize> s << 7), block, lane, scale, m);
    out += 1024;
  }
}

/** One block of 32 columns of a K-quant; returns where the next is. */
function blockOf256(format: i32, out: usize, block: usize, lane: i32, scale: f32, m: f32): usize {
  const parts = block + 16;
  const first = load<u8>(block + <usize> lane), second = load<u8>(block + <usize> lane, 8);
  for (let k = 0; k < 32; k++) {
    const sub = k < 16 ? first : second;
    let value: f32;
    if (format == KIND_Q2K_PLAIN) {
      const w = <f32> twoAt(parts, lane, k);
      value = scale * <f32> (sub & 15) * w + m * <f32> (sub >> 4);
    } else if (format == KIND_Q3K_PLAIN) {
      const w = (twoAt(parts, lane, k) | (oneAt(parts + 64, lane, k) << 2)) - 4;
      value = scale * <f32> (<i8> sub) * <f32> w;
    } else if (format == KIND_Q6K_PLAIN) {
      const w = sixAt(parts, lane, k) - 32;
      value = scale * <f32> (<i8> sub) * <f32> w;
    } else {
      const w = format == KIND_Q5K_PLAIN ? fiveAt(parts, lane, k) : nibbleAt(parts, lane, k);
      value = scale * <f32> first * <f32> w + m * <f32> second;
    }
    store<f32>(out + (<usize> k << 2), value);
  }
  if (format == KIND_Q2K_PLAIN) return block + 80;
  if (format == KIND_Q3K_PLAIN) return block + 112;
  if (format == KIND_Q4K_PLAIN) return block + 144;
  return block + (format == KIND_Q5K_PLAIN ? 176 : 208);
}

function scaleAt(p: usize, lane: i32): f32 {
  return halfToFloat(load<i16>(p + (<usize> lane << 1)));
}

/** The byte of W[k >> 2][lane >> 2] that is the lane's. */
function within(lane: i32, k: i32): usize {
  return <usize> (((lane & 3) << 2) + (k & 3));
}

/** Rows 0-3 are the low bytes, as w + 128, of the words that have rows 4-7 as their high bytes. */
function twinAt(p: usize, lane: i32, k: i32): i32 {
  const at = p + (<usize> (k >> 1) << 4) + (<usize> (lane & 3) << 2) + (<usize> (k & 1) << 1);
  return lane < 4 ? <i32> load<u8>(at) - 128 : <i32> load<i8>(at, 1);
}

function byteAt(p: usize, lane: i32, k: i32, flip: i32): i32 {
  const at = p + (<usize> (k >> 2) << 5) + (<usize> (lane >> 2) << 4) + within(lane, k);
  return flip != 0 ? <i32> load<u8>(at) : <i32> load<i8>(at);
}

function nibbleAt(p: usize, lane: i32, k: i32): i32 {
  const byte = <i32> load<u8>(p + (<usize> (k >> 2) << 4) + within(lane, k));
  return lane < 4 ? byte & 15 : byte >> 4;
}

function oneAt(p: usize, lane: i32, k: i32): i32 {
  const i = ((k >> 2) << 1) + (lane >> 2);
  return (<i32> load<u8>(p + (<usize> (i >> 3) << 4) + within(lane, k)) >> (i & 7)) & 1;
}

function twoAt(p: usize, lane: i32, k: i32): i32 {
  const i = ((k >> 2) << 1) + (lane >> 2);
  return (<i32> load<u8>(p + (<usize> (i >> 2) << 4) + within(lane, k)) >> ((i & 3) << 1)) & 3;
}

function fiveAt(p: usize, lane: i32, k: i32): i32 {
  const i = ((k >> 2) << 1) + (lane >> 2);
  const at = p + <usize> ((i >> 3) * 80) + within(lane, k);
  const field = i & 7;
  if (field == 2) return threeAndTwo(at);
  if (field == 5) return threeAndTwo(at + 32);
  if (field == 7) {
    return (<i32> load<u8>(at, 64) >> 5) | ((<i32> load<u8>(at, 16) >> 7) << 3) |
      ((<i32> load<u8>(at, 48) >> 7) << 4);
  }
  const vector = field - (field > 2 ? 1 : 0) - (field > 5 ? 1 : 0);
  return <i32> load<u8>(at + (<usize> vector << 4)) & 31;
}

/** Three bits of one vector, and above them two of the next. */
function threeAndTwo(at: usize): i32 {
  return (<i32> load<u8>(at) >> 5) | (((<i32> load<u8>(at, 16) >> 5) & 3) << 3);
}

function sixAt(p: usize, lane: i32, k: i32): i32 {
  const i = ((k >> 2) << 1) + (lane >> 2);
  const at = p + <usize> ((i >> 2) * 48) + within(lane, k);
  if ((i & 3) < 3) return <i32> load<u8>(at + (<usize> (i & 3) << 4)) & 63;
  return (<i32> load<u8>(at) >> 6) | ((<i32> load<u8>(at, 16) >> 6) << 2) |
    ((<i32> load<u8>(at, 32) >> 6) << 4);
}

function iq4(index: i32): i32 {
  const weight = i8x16.swizzle(iq4Table(), i8x16.splat(<i8> index));
  return i8x16.extract_lane_s(weight, 0);
}
