/**
 * One row of a packed matrix as f32: an embedding row (section 2).
 */
import {
  KIND_BF16,
  KIND_F16,
  KIND_F32,
  KIND_Q4_PLAIN,
  KIND_Q8_UNSIGNED,
  KIND_Q8_UNSIGNED_EMULATED,
  Q4_BLOCK_BYTES,
  Q8_BLOCK_BYTES,
} from "./constants";
import { halfToFloat } from "./half";

/** Writes row `row` (lane row mod 8 of its group, which starts at `group`) to `out`. */
export function dequantiseRow(kind: i32, out: usize, group: usize, lane: i32, columns: i32): void {
  for (let k = 0; k < columns; k++) {
    let value: f32;
    if (kind == KIND_F32) value = load<f32>(group + (<usize> (k * 8 + lane) << 2));
    else if (kind == KIND_F16) {
      value = halfToFloat(load<i16>(group + (<usize> (k * 8 + lane) << 1)));
    } else if (kind == KIND_BF16) {
      value = reinterpret<f32>(<u32> load<u16>(group + (<usize> (k * 8 + lane) << 1)) << 16);
    } else value = blockElement(kind, group, lane, k);
    store<f32>(out + (<usize> k << 2), value);
  }
}

function blockElement(kind: i32, group: usize, lane: i32, k: i32): f32 {
  const step = <usize> ((k & 31) >> 2);
  const within = <usize> (((lane & 3) << 2) + (k & 3));
  if (kind >= KIND_Q4_PLAIN) {
    const block = group + <usize> (k >> 5) * Q4_BLOCK_BYTES;
    const byte = <i32> load<u8>(block + 16 + step * 16 + within);
    const w = (lane < 4 ? byte & 15 : byte >> 4) - 8;
    return halfToFloat(load<i16>(block + (<usize> lane << 1))) * <f32> w;
  }
  const block = group + <usize> (k >> 5) * Q8_BLOCK_BYTES;
  const byte = load<i8>(block + 16 + step * 32 + (<usize> (lane >> 2) << 4) + within);
  const flipped = kind == KIND_Q8_UNSIGNED || kind == KIND_Q8_UNSIGNED_EMULATED;
  const w = flipped ? <i32> (<u8> byte) - 128 : <i32> byte;
  return halfToFloat(load<i16>(block + (<usize> lane << 1))) * <f32> w;
}
