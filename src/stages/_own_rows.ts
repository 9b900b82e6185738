/** Tells a witness what the requester's own part has computed. */
import type { FlightEntry } from "./_flight_rows.ts";
import type { LocalStage } from "./_pipeline_stage.ts";
import type { StageWitness } from "./server_types.ts";

/** Rows of a flight, before and after the own layers. */
export function tellRows(
  witness: StageWitness | undefined,
  { stage: { place: { from, to, embedding } }, flight, input, output, width }: {
    readonly stage: LocalStage;
    readonly flight: readonly FlightEntry[];
    /** Tokens where the stage has embedded them. */
    readonly input: Float32Array | Uint32Array;
    readonly output: Float32Array;
    readonly width: number;
  },
): void {
  if (witness === undefined) return;
  let row = 0;
  for (const { session: { open }, firstPosition, tokens } of flight) {
    const [at, end] = [row * width, (row += tokens.length) * width];
    if (open === undefined) continue;
    witness.computed({
      open,
      layers: { from, to },
      firstPosition,
      positionCount: tokens.length,
      input: embedding || input instanceof Uint32Array ? undefined : input.subarray(at, end),
      tokens: embedding ? tokens : undefined,
      output: output.subarray(at, end),
    });
  }
}

/** Logits of a flight's wanted rows, by the own head. */
export function tellLogits(
  witness: StageWitness | undefined,
  { flight, values, vocabularySize }: {
    readonly flight: readonly FlightEntry[];
    readonly values: Float32Array;
    readonly vocabularySize: number;
  },
): void {
  let row = 0;
  for (const { session: { open }, firstPosition, tokens: { length }, wanted } of flight) {
    const positionCount = wanted === "none" ? 0 : wanted === "last" ? 1 : length;
    if (positionCount === 0 || open === undefined) continue;
    const [at, end] = [row * vocabularySize, (row += positionCount) * vocabularySize];
    const logits = values.subarray(at, end);
    const first = firstPosition + length - positionCount;
    witness?.headed({ open, firstPosition: first, positionCount, logits });
  }
}
