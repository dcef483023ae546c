import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * What every package's tests share: where they lie, and a report that `scripts/test.sh` adds up.
 */
export function packageTests(overrides: ViteUserConfig['test'] = {}): ViteUserConfig {
  return defineConfig({
    test: {
      include: ['test/**/*.test.ts'],
      reporters: ['default', ['json', { outputFile: '.test-report.json' }]],
      testTimeout: 60_000,
      hookTimeout: 60_000,
      ...overrides,
    },
  });
}
