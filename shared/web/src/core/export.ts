import { api, type Schemas } from "./client.ts";
import { unwrap } from "./problem.ts";

/** Saves everything that is held about a person as a file, in all its parts. */
export async function download(id: string): Promise<void> {
  const parts: unknown[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query: { cursor?: string } = cursor ? { cursor } : {};
    const part: Schemas["ExportView"] = await unwrap(api.GET("/api/v1/users/{id}/export", { params: { path: { id }, query } }));
    parts.push(part);
    cursor = part.next_cursor;
  }
  const file = new Blob([JSON.stringify(parts.length === 1 ? parts[0] : parts, null, 2)], { type: "application/json" });
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: "quayside-export.json" });
  link.click();
  URL.revokeObjectURL(link.href);
}
