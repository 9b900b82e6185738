import assert from "node:assert/strict";
import { test } from "node:test";
import { AbortListener, KeptController } from "../../src/hot/abort_listener.ts";

test("AbortListener.attend() hears one signal for one call after the other", () => {
  const listener = new AbortListener();
  const heard: string[] = [];
  const { signal, stop } = counted();
  listener.attend(signal, () => heard.push("first"))();
  listener.attend(undefined, () => heard.push("without"))();
  listener.attend(signal, () => heard.push("second"));
  assert.equal(signal.listened, 1);
  stop();
  assert.deepEqual(heard, ["second"]);
});

test("AbortListener.attend() hears nothing once the call has ended, or another has come", () => {
  const listener = new AbortListener();
  const heard: string[] = [];
  const [one, other] = [counted(), counted()];
  listener.attend(one.signal, () => heard.push("one"))();
  one.stop();
  const release = listener.attend(other.signal, () => heard.push("other"));
  const third = counted();
  release();
  listener.attend(third.signal, () => heard.push("third"));
  assert.equal(other.signal.unlistened, 1);
  other.stop();
  assert.deepEqual(heard, []);
  third.stop();
  assert.deepEqual(heard, ["third"]);
});

test("KeptController.take() gives the same controller until it was aborted", () => {
  const kept = new KeptController();
  const first = kept.take();
  assert.equal(kept.take(), first);
  first.abort();
  assert.notEqual(kept.take(), first);
  assert.equal(kept.take().signal.aborted, false);
});

class CountedSignal extends EventTarget {
  listened = 0;
  unlistened = 0;

  override addEventListener(...given: Parameters<EventTarget["addEventListener"]>): void {
    this.listened++;
    super.addEventListener(...given);
  }

  override removeEventListener(...given: Parameters<EventTarget["removeEventListener"]>): void {
    this.unlistened++;
    super.removeEventListener(...given);
  }
}

function counted(): {
  readonly signal: AbortSignal & { readonly listened: number; readonly unlistened: number };
  readonly stop: () => void;
} {
  const target = new CountedSignal();
  return {
    signal: target as unknown as AbortSignal & CountedSignal,
    stop: () => void target.dispatchEvent(new Event("abort")),
  };
}
