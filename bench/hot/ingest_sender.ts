/** A process that listens on an ephemeral port, prints it, and sends frames to whoever connects. */
import { createServer } from "node:net";
import type { Socket } from "node:net";
import process from "node:process";

const bytesPerConnection = Number(process.argv[2]);
const frame = new Uint8Array(256).fill(97);
frame.set([0, 0, 0, 252]);
const block = new Uint8Array(256 * 1024);
for (let at = 0; at < block.length; at += 256) block.set(frame, at);

function send(socket: Socket, left: number): void {
  if (left <= 0) {
    socket.end();
    return;
  }
  if (socket.write(block)) send(socket, left - block.length);
  else socket.once("drain", () => send(socket, left - block.length));
}

const server = createServer((socket) => {
  socket.on("error", () => {});
  send(socket, bytesPerConnection);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});
process.stdin.on("end", () => process.exit());
process.stdin.resume();
