/** A stranger's TypeScript: checked against the package's declarations, never run. */
import { run } from "@skep/skep";

type Options = NonNullable<Parameters<typeof run>[1]>;

const options: Options = { home: "/tmp/my-node", configFile: false, capacity: 1 };
const node = await run({ api: { listen: "127.0.0.1:0" } }, options);
const id: string = node.hid;
const api: string | undefined = node.addresses["api"];
console.log(id, api, node.status().uptimeMs.toFixed(0));
await node.stop({ force: true });

// Types must be there, not `any`: each of these has to be an error.
// @ts-expect-error the listener's address is text
await run({ api: { listen: 11434 } });
// @ts-expect-error there is no such override
await run({}, { colour: "green" });
// @ts-expect-error a running node has no such member
node.colour;
