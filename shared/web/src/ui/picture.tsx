import type { JSX } from "preact";
import { useState } from "preact/hooks";

interface Props {
  /** Path of an image of the API. */
  source: string | null;
  name: string;
  size: "small" | "medium" | "large";
  /** Whether the picture says nothing that the text beside it does not. */
  isDecorative?: boolean;
  isFirst?: boolean;
}

/** A picture of a product, or its initial if there is none. */
export function Picture({ source, name, size, isDecorative, isFirst }: Props): JSX.Element {
  const [isBroken, setBroken] = useState(false);
  if (source === null || isBroken) {
    return (
      <span class={`picture none ${size}`} aria-hidden="true">
        {[...name][0]?.toUpperCase()}
      </span>
    );
  }
  return (
    <picture class={`picture ${size}`}>
      <source type="image/webp" srcset={`${source}?size=${size}&format=webp`} />
      <img
        src={`${source}?size=${size}`}
        alt={isDecorative ? "" : name}
        loading={isFirst ? "eager" : "lazy"}
        fetchpriority={isFirst ? "high" : "auto"}
        decoding="async"
        onError={() => setBroken(true)}
      />
    </picture>
  );
}
