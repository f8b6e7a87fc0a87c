/** The page of a video, as yt-dlp's generic extractor and any browser understand it. */
export function watchPage(id: string): string {
  const title = escapeHtml(`Sample video ${id}`);
  const source = escapeHtml(`/clips/${encodeURIComponent(id)}.mp4`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title></head>
<body><h1>${title}</h1><video controls><source src="${source}" type="video/mp4"></video></body>
</html>
`;
}

/** Text as it stands in HTML and XML, in attributes too. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
