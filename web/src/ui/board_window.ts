/**
 * Which parts of a long board are near what is seen. The others are left out of the document and keep their height:
 * ten thousand rows would take a second to make, and more with each change.
 */

const MARGIN = "800px 0px";

export class Nearness {
  #observer: IntersectionObserver | null = null;
  readonly #listeners = new Map<Element, (isNear: boolean) => void>();

  /** Watch an element of the scrolling board. @returns stops it */
  watch(scroller: Element | null, element: Element, listener: (isNear: boolean) => void): () => void {
    this.#observer ??= new IntersectionObserver((entries) => this.#seen(entries), { root: scroller, rootMargin: MARGIN });
    this.#listeners.set(element, listener);
    this.#observer.observe(element);
    return () => {
      this.#observer?.unobserve(element);
      this.#listeners.delete(element);
    };
  }

  #seen(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting, boundingClientRect: box } of entries) {
      // In a panel that is not shown nothing is near; what was is to be there again at once.
      if (isIntersecting || box.width > 0) this.#listeners.get(target)?.(isIntersecting);
    }
  }
}
