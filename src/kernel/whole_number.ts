/** The schema of whole numbers, for sections of the configuration and parameters of methods. */
import * as v from "valibot";

/**
 * A whole number within [from, to].
 *
 * @param range `to` is 2^53 - 1 unless it says less; `unit`, if any, is what the message counts in
 */
export function wholeNumber(
  range: { readonly from: number; readonly to?: number; readonly unit?: string },
): v.GenericSchema<number> {
  const { from, to = Number.MAX_SAFE_INTEGER } = range;
  const last = range.to === undefined ? "2^53 - 1" : `${to}`;
  const unit = range.unit === undefined ? "" : ` of ${range.unit}`;
  const message = `it must be a whole number${unit} from ${from} to ${last}`;
  return v.pipe(
    v.number(message),
    v.safeInteger(message),
    v.minValue(from, message),
    v.maxValue(to, message),
  );
}
