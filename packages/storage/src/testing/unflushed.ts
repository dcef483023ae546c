/** What has been done but not flushed, in order. A flush covers what there was when it began. */
export class Unflushed<T> {
  #items: T[] = [];
  /** How many have been taken. */
  #taken = 0;

  get empty(): boolean {
    return this.#items.length === 0;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Marks the present end. */
  mark(): number {
    return this.#taken + this.#items.length;
  }

  /** Takes what lies before `mark` and has not been taken. */
  takeTo(mark: number): T[] {
    const items = this.#items.splice(0, Math.max(0, mark - this.#taken));
    this.#taken += items.length;
    return items;
  }
}
