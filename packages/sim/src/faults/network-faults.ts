import type { NetworkFault } from '../plan.js';
import type { FaultAction, Strike } from './strike.js';

/** Most that packets of a slow link are slowed down by. */
const MAX_SLOW = 30;
/** Most packets in a row that arrive damaged. */
const MAX_GARBLED = 5;

/** What cuts hosts off, or comes between them. */
export const NETWORK_FAULTS: Readonly<Record<NetworkFault, FaultAction>> = {
  split,
  isolate: (strike) => {
    const { id } = strike.machine;
    strike.cluster.network.links.split([id], othersOf(strike));
    return true;
  },
  deafen: (strike) => {
    const { id } = strike.machine;
    for (const other of othersOf(strike)) strike.cluster.network.links.cut(other, id);
    return true;
  },
  cutOneWay: (strike) => {
    const others = othersOf(strike);
    if (others.length === 0) return false;
    strike.cluster.network.links.cut(strike.machine.id, strike.dice.pick(others));
    return true;
  },
  heal: ({ cluster: { network } }) => {
    network.links.heal();
    network.speedUp();
    return true;
  },
  slowLinks: ({ cluster, machine, dice }) => {
    cluster.network.slowDown(machine.id, dice.between(2, MAX_SLOW));
    return true;
  },
  break: (strike) => breakSome(strike, true),
  breakOneSide: (strike) => breakSome(strike, false),
  garble: ({ cluster, machine, dice }) => {
    cluster.network.garble(machine.id, dice.between(1, MAX_GARBLED));
    return true;
  },
};

function split(strike: Strike): boolean {
  const { dice, machine, cluster } = strike;
  const others = othersOf(strike);
  const side = others.filter(() => dice.chance(0.5));
  const otherSide = others.filter((other) => !side.includes(other));
  cluster.network.links.split([machine.id, ...side], otherSide);
  return otherSide.length > 0;
}

/** Clients that still reach a node which is cut off see what it makes of that. */
function othersOf({ cluster, machine, dice, clientHosts }: Strike): readonly number[] {
  const nodes = cluster.machines.map(({ id }) => id).filter((id) => id !== machine.id);
  return dice.chance(0.5) ? nodes : [...nodes, ...clientHosts];
}

/** Some of the connections of a host break, for both ends or for this one only. */
function breakSome({ cluster: { network }, machine, dice }: Strike, bothSides: boolean): boolean {
  for (const socket of network.sockets) {
    const isHit = socket.host === machine.id || (bothSides && socket.remoteHost === machine.id);
    if (isHit && dice.chance(0.5)) socket.break('ECONNRESET');
  }
  return true;
}
