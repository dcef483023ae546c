import { packageTests } from '../../vitest.shared.ts';

export default packageTests({ env: { DLE_NATIVE: '0' } });
