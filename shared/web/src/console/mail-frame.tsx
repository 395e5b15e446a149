import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { EMPTY_PAGE, show } from "./mail.ts";

/** Pixels. A text whose height follows that of its frame would grow without end. */
const MAX_HEIGHT = 10_000;

/**
 * An e-mail as its recipient sees it, in a page of its own, where its styles change nothing else. The sandbox lets nothing run, open, send
 * or leave; it has the origin of the page so that this page, which alone runs, can fill it.
 */
export function MailFrame({ html, title }: { html: string; title: string }): JSX.Element {
  const frame = useRef<HTMLIFrameElement>(null);
  const [page, setPage] = useState<Document | null>(null);
  useEffect(() => {
    if (!page) return;
    // As high as its content, so that it has no scroll bar of its own.
    const observer = new ResizeObserver(([entry]) => {
      const height = Math.ceil(entry?.borderBoxSize[0]?.blockSize ?? 0);
      frame.current?.setAttribute("height", String(Math.min(height, MAX_HEIGHT)));
    });
    observer.observe(show(html, page));
    return () => observer.disconnect();
  }, [html, page]);
  return <iframe ref={frame} class="mail" title={title} sandbox="allow-same-origin" srcdoc={EMPTY_PAGE} onLoad={() => setPage(frame.current?.contentDocument ?? null)} />;
}
