// Edits of the events in dead deadLetters.

import type { Schemas } from "../core/client.ts";

type DeadLetter = Pick<Schemas["DeadLetterView"], "detail" | "editable">;

/** Pointers to the members that may be changed in one of the events or more: those that a failure names come first. */
export function editableMembers(deadLetters: readonly DeadLetter[]): string[] {
  const members = [...new Set(deadLetters.flatMap(({ editable }) => editable))];
  const wrong = new Set(deadLetters.map(({ detail }) => detail?.split(" ")[0]));
  return [...members.filter((pointer) => wrong.has(pointer)), ...members.filter((pointer) => !wrong.has(pointer))];
}

/** The request that changes one text in the events of these messages, of all if there are none. It is a dry run. */
export function editOf(messageIds: readonly string[], values: Record<string, string>): Schemas["Redrive"] {
  return {
    action: "redrive",
    reason: values["/reason"]?.trim() ?? "",
    dry_run: true,
    message_ids: messageIds.length > 0 ? [...messageIds] : null,
    patch: [{ op: "replace", path: values["/patch/0/path"] ?? "", value: values["/patch/0/value"] ?? "" }],
  };
}

/** The request that redrives what a dry run has shown, and nothing that came since. */
export function redriveOf(shown: Schemas["Redrive"], { edited }: Pick<Schemas["RedriveView"], "edited">): Schemas["Redrive"] {
  return { ...shown, dry_run: false, message_ids: edited.map(({ message_id }) => message_id) };
}
