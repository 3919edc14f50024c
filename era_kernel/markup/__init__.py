"""HTML, Markdown and SVG of a guest, made harmless for the browser that shows it."""
