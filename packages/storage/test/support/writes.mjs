// What a process writes that is going to be killed, by number: so whoever looks at what it left
// behind knows it too. Write n is entry n of the log.

const KEYS = 60;

/** Chance that is the same in every process. */
function mixed(n, salt) {
  let x = Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return (x ^ (x >>> 15)) >>> 0;
}

function change(n, salt) {
  const lot = mixed(n, salt);
  const key = `key ${lot % KEYS}`;
  if (lot % 5 === 0) return { type: 'del', key };
  const length = lot % 29 === 0 ? 3_000 : mixed(n, salt + 100) % 300;
  return { type: 'put', key, value: `${n} ${salt} `.padEnd(length, '.') };
}

/** The changes of write `n`: one, or, in every third, a batch. */
export function changesOf(n) {
  const count = n % 3 === 0 ? 2 + (mixed(n, 7) % 20) : 1;
  return Array.from({ length: count }, (_, salt) => change(n, salt));
}
