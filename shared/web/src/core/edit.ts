import { useMutation } from "@tanstack/preact-query";
import { useState } from "preact/hooks";
import { changedRows, type Rows } from "./rows.ts";
import { isProblemOf } from "./text.ts";

export interface Versioned<T> {
  data: T;
  /** ETag of this version, which a change names as If-Match. */
  tag: string;
}

interface Options<T, B> {
  /** What the page has read last. */
  current: Versioned<T>;
  /** Reads it now. */
  read: () => Promise<Versioned<T>>;
  send: (body: B, seen: Versioned<T>) => Promise<unknown>;
  /** Brings the page up to date. */
  reload: () => Promise<unknown>;
  rows: (data: T) => Rows;
}

/**
 * A form that changes a version: the current one until somebody types, and that one from then on. Pages read again on their own; a
 * form that always named the version read last would overwrite, unseen, what others have saved meanwhile. When others were faster,
 * the fields that nobody has edited show the current version, `changed` says what is different, and the next try replaces it.
 */
export function useEdit<T, B>({ current, read, send, reload, rows }: Options<T, B>) {
  const [held, setHeld] = useState<Versioned<T> | null>(null);
  const [changed, setChanged] = useState<Rows | null>(null);
  const [version, setVersion] = useState(0);
  const seen = held ?? current;
  const saving = useMutation({
    mutationFn: (body: B) => send(body, seen),
    onMutate: () => setChanged(null),
    onSuccess: async () => {
      await reload();
      setHeld(null);
      setVersion((before) => before + 1);
    },
    onError: async (error) => {
      if (!isProblemOf(error, "precondition-failed")) return;
      const now = await read();
      const found = changedRows(rows(seen.data), rows(now.data));
      setChanged(found.length > 0 ? found : null);
      setHeld(now);
    },
  });
  const hold = (): void => setHeld((before) => before ?? current);
  const form = { version, isBusy: saving.isPending, error: changed ? null : saving.error, onEdit: hold };
  return { data: seen.data, changed, form, save: saving.mutate, isSaved: saving.isSuccess, forget: saving.reset };
}
