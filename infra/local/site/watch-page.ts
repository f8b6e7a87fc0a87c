import { besidePath } from './beside.ts';

/** Names of files beside the video that its page tells of. */
export type PageSides = { readonly poster?: string; readonly languages: readonly string[] };

export const usualSides: PageSides = { poster: 'poster.png', languages: ['en', 'de'] };

/** The page of a video, as yt-dlp's generic extractor and any browser understand it. */
export function watchPage(id: string, { poster, languages }: PageSides): string {
  const title = escapeHtml(`Sample video ${id}`);
  const source = escapeHtml(`/clips/${encodeURIComponent(id)}.mp4`);
  const beside = (name: string) => escapeHtml(besidePath(id, name));
  const tracks = languages.map(
    (language) =>
      `<track kind="subtitles" srclang="${language}" src="${beside(`${language}.vtt`)}">`,
  );
  const picture = poster === undefined ? '' : ` poster="${beside(poster)}"`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body><h1>${title}</h1><video controls${picture}><source src="${source}" type="video/mp4">${tracks.join('')}</video></body>
</html>
`;
}

/** Text as it stands in HTML and XML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
