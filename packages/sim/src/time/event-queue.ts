interface Scheduled<T> {
  readonly time: number;
  /** Order of scheduling, among things of one time. */
  readonly order: number;
  readonly item: T;
}

/** Things to come, by virtual time: a binary heap. */
export class EventQueue<T> {
  readonly #heap: Scheduled<T>[] = [];
  #scheduled = 0;

  get size(): number {
    return this.#heap.length;
  }

  schedule(time: number, item: T): void {
    const heap = this.#heap;
    const entry = { time, order: this.#scheduled++, item };
    let position = heap.length;
    heap.push(entry);
    while (position > 0) {
      const parent = (position - 1) >>> 1;
      if (!comesBefore(entry, heap[parent]!)) break;
      heap[position] = heap[parent]!;
      position = parent;
    }
    heap[position] = entry;
  }

  /** Takes out what comes next. */
  next(): { readonly time: number; readonly item: T } | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!comesBefore(heap[child]!, last)) break;
      heap[position] = heap[child]!;
      position = child;
    }
    heap[position] = last;
    return first;
  }
}

function comesBefore(a: Scheduled<unknown>, b: Scheduled<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
