/**
 * 16-bit floats to f32, exactly, in plain TypeScript.
 */

/** The value of an f16's bits. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * (fraction / 16777216);
  return exponent >= 15
    ? sign * (1 + fraction / 1024) * (1 << (exponent - 15))
    : sign * (1 + fraction / 1024) / (1 << (15 - exponent));
}

/** The value of a bf16's bits. */
export function bfloatToFloat(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}
