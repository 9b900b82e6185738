/** The starting order, over random graphs. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { KernelError, planStart } from "../../src/kernel/mod.ts";

const numRuns = 100 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

/** Services "s0".."sN", each needing some of those before it: never a cycle. */
const acyclic = fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 }).map((needs) =>
  needs.map((ones, i) => ({
    name: `s${i}`,
    needs: [...new Set(ones.filter((one) => one < i).map((one) => `s${one}`))],
  }))
);

test("planStart() puts every service after its needs, and loses none", () => {
  fc.assert(
    fc.property(
      acyclic.chain((services) => fc.shuffledSubarray(services, { minLength: services.length })),
      (services) => {
        const order = planStart(services).map(({ name }) => name);
        assert.deepEqual([...order].sort(), services.map(({ name }) => name).sort());
        for (const { name, needs } of services) {
          for (const need of needs) assert.ok(order.indexOf(need) < order.indexOf(name));
        }
      },
    ),
    { numRuns },
  );
});

test("planStart() keeps the given order where needs leave it open", () => {
  const services = ["c", "a", "b"].map((name) => ({ name, needs: [] }));
  assert.deepEqual(planStart(services), services);
});

test("planStart() finds the circle that an added need closes", () => {
  const services = [
    { name: "a", needs: ["b"] },
    { name: "b", needs: ["c"] },
    { name: "c", needs: ["a"] },
  ];
  assert.throws(() => planStart(services), (error) => {
    assert.ok(error instanceof KernelError && error.code === "cycle");
    return error.message.endsWith('"a" needs "b" needs "c" needs "a"');
  });
  assert.throws(() => planStart([{ name: "a", needs: ["a"] }]), { code: "cycle" });
});
