import { ApiError } from "./problem.ts";

interface Target {
  url: string;
  headers: Record<string, string>;
}

/** Sends a file to a presigned link. `fetch` does not tell how far it has come; `onProgress` gets the sent part, from 0 to 1. */
export function upload({ url, headers }: Target, file: File, onProgress: (part: number) => void = () => undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => (request.status >= 200 && request.status < 300 ? resolve() : reject(new ApiError(request.status, null)));
    request.onerror = () => reject(new ApiError(0, null));
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) {
      // The browser states the length itself.
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    }
    request.send(file);
  });
}
