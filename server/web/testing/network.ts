import { connect, createServer, type Server, type Socket } from "node:net";
import { z } from "zod";

/** The network between a browser and the server, which can be cut as a tunnel cuts it: whatever was open breaks off. */
export type Network = { url: string; cut(): Promise<void>; mend(): Promise<void>; close(): Promise<void> };

const address = z.object({ port: z.number() });

/** @param serverPort read at each connection, so that the server may come later */
export async function openNetwork(serverPort: () => number): Promise<Network> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(serverPort(), "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  await listen(0);
  const { port } = address.parse(server.address());
  const cut = (): Promise<void> =>
    new Promise((resolve) => {
      if (!server.listening) {
        resolve();
        return;
      }
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { url: `http://localhost:${port}`, cut, mend: () => listen(port), close: cut };
}
