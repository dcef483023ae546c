/** Runs command.ts as it is: Node 20 cannot, and what is for tests alone has no build. */
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

const vite = await createViteServer({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, watch: null, ws: false },
  optimizeDeps: { noDiscovery: true },
  ssr: { external: true },
});
const { main } = await vite.ssrLoadModule('/test/cluster/command.ts');
process.exitCode = await main(process.argv.slice(2));
await vite.close();
