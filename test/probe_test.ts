import { test } from "node:test";
import { run } from "../src/node/mod.ts";
import { MemoryNetwork, ModelledDisk } from "../src/sim/mod.ts";
import { environmentOf } from "./node/_support.ts";
test("x", async () => {
  for (const config of [{}, {inference:{threads:1}}, {}, {inference:{threads:1}}] as {}[]) {
  const disk = new ModelledDisk({ pageBytes: 64 });
  for (let i = 0; i < 3; i++) {
    const c = process.cpuUsage(); const t = performance.now();
    const node = await run(config, { home: "/home/node", configFile: false, environment: environmentOf(), disk, network: new MemoryNetwork() });
    const t1 = performance.now();
    await node.stop();
    const u = process.cpuUsage(c);
    console.log(JSON.stringify(config), disk.operations.length, Math.round(t1 - t), Math.round(performance.now() - t1), "cpu", u.user/1000, u.system/1000);
  }}
});
