// Values that outlive a page. Without storage (private mode, full disk) they last as long as the page.

import { effect, signal, type Signal } from "@preact/signals";

/** A signal that is stored under this name and follows other tabs. `parse` validates the stored value. */
export function stored<T>(name: string, parse: (value: unknown) => T): Signal<T> {
  const read = (text: string | null): T => {
    try {
      return parse(text === null ? undefined : JSON.parse(text));
    } catch {
      return parse(undefined);
    }
  };
  const value = signal(read(safely(() => localStorage.getItem(name)) ?? null));
  addEventListener("storage", (event) => {
    if (event.key === name) value.value = read(event.newValue);
  });
  effect(() => {
    const text = JSON.stringify(value.value);
    safely(() => localStorage.getItem(name) !== text && localStorage.setItem(name, text));
  });
  return value;
}

/** A stored text; null if there is none, or no storage. */
export function getItem(storage: () => Storage, name: string): string | null {
  return safely(() => storage().getItem(name)) ?? null;
}

/** Stores a text, or removes it. */
export function setItem(storage: () => Storage, name: string, value: string | null): void {
  safely(() => (value === null ? storage().removeItem(name) : storage().setItem(name, value)));
}

// Functions, because browsers that block storage throw on access.
export const localStore = (): Storage => localStorage;
export const tabStore = (): Storage => sessionStorage;

function safely<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
